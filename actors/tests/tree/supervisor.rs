//! The generic supervisor: order, restart, intensity, fatal children (Q23).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actors::supervision::{
    Backoff, ChildSpec, Exit, Intensity, Restart, Stopping, Supervisor, SupervisorArguments,
};
use ractor::Actor;
use storage::model::{Clock, Timestamp, TokioClock};
use tokio::sync::watch;

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

fn logged(name: &'static str, log: &Log) -> ChildSpec {
    let log = Arc::clone(log);
    ChildSpec::service(name, move |mut stopping: Stopping| {
        let log = Arc::clone(&log);
        async move {
            log.lock().unwrap().push(format!("start {name}"));
            stopping.requested().await;
            log.lock().unwrap().push(format!("stop {name}"));
            Ok(())
        }
    })
}

/// A service that fails `lifetime` after every start.
fn mortal(name: &'static str, lifetime: Duration, log: &Log) -> ChildSpec {
    let log = Arc::clone(log);
    ChildSpec::service(name, move |_| {
        let log = Arc::clone(&log);
        async move {
            log.lock().unwrap().push(format!("start {name}"));
            tokio::time::sleep(lifetime).await;
            panic!("{name} falls over");
        }
    })
}

async fn start(
    children: Vec<ChildSpec>,
) -> (
    ractor::ActorRef<actors::supervision::SupervisorMessage>,
    watch::Receiver<Option<Exit>>,
) {
    let (sender, exit) = watch::channel(None);
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(Timestamp::from_secs(1_790_000_000)));
    let arguments = SupervisorArguments {
        name: "root".into(),
        children,
        intensity: Intensity::new(3, Duration::from_secs(300)),
        clock,
        exit: Some(sender),
    };
    let (root, _) = Supervisor::spawn(None, Supervisor, arguments)
        .await
        .unwrap();
    (root, exit)
}

async fn ended(mut exit: watch::Receiver<Option<Exit>>) -> Exit {
    exit.wait_for(Option::is_some)
        .await
        .unwrap()
        .clone()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn children_start_in_order_and_stop_in_reverse() {
    let log = Log::default();
    let (root, exit) = start(vec![logged("store", &log), logged("smtp", &log)]).await;
    tokio::task::yield_now().await;
    root.stop_and_wait(None, None).await.unwrap();
    assert_eq!(
        lines(&log),
        ["start store", "start smtp", "stop smtp", "stop store"]
    );
    assert_eq!(ended(exit).await, Exit::Requested);
}

#[tokio::test(start_paused = true)]
async fn a_panic_restarts_one_child_within_a_second_and_leaves_the_others_alone() {
    let log = Log::default();
    let (root, exit) = start(vec![
        logged("steady", &log),
        mortal("mortal", Duration::from_secs(200), &log),
    ])
    .await;
    tokio::time::sleep(Duration::from_secs(201)).await;
    assert_eq!(
        lines(&log),
        ["start steady", "start mortal", "start mortal"]
    );
    root.stop_and_wait(None, None).await.unwrap();
    assert_eq!(ended(exit).await, Exit::Requested);
}

#[tokio::test(start_paused = true)]
async fn three_deaths_in_five_minutes_stop_everything_in_order_with_status_70() {
    let log = Log::default();
    let (_root, exit) = start(vec![
        logged("steady", &log),
        mortal("mortal", Duration::from_secs(1), &log),
    ])
    .await;
    let exit = ended(exit).await;
    assert_eq!(exit.status(), 70);
    assert!(exit.to_string().contains("mortal falls over"), "{exit}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        lines(&log),
        [
            "start steady",
            "start mortal",
            "start mortal",
            "start mortal",
            "stop steady"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_failure_of_a_fatal_child_stops_everything_with_its_status() {
    let log = Log::default();
    let watch = ChildSpec::service("committer watch", |_| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Err("no space left on device".into())
    })
    .with_restart(Restart::Fatal(Exit::Storage));
    let (_root, exit) = start(vec![watch, logged("smtp", &log)]).await;
    let exit = ended(exit).await;
    assert_eq!(exit, Exit::Storage("no space left on device".to_owned()));
    assert_eq!(exit.status(), 74);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(lines(&log), ["start smtp", "stop smtp"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_is_killed_after_its_grace() {
    let stubborn = ChildSpec::service("stubborn", |_| async {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        Ok(())
    })
    .with_shutdown(Duration::from_secs(2))
    .with_backoff(Backoff::new(Duration::ZERO, Duration::ZERO));
    let (root, exit) = start(vec![stubborn]).await;
    let stop = root.stop_and_wait(None, Some(Duration::from_secs(3)));
    stop.await.unwrap();
    assert_eq!(ended(exit).await, Exit::Requested);
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_nested_supervisors_down_in_order() {
    let log = Log::default();
    let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(Timestamp::default()));
    let inner = Supervisor::child_spec(
        "smtp",
        vec![logged("first", &log), logged("second", &log)],
        Intensity::new(3, Duration::from_secs(60)),
        clock,
    );
    let (root, _exit) = start(vec![logged("store", &log), inner]).await;
    tokio::task::yield_now().await;
    root.stop_and_wait(None, None).await.unwrap();
    assert_eq!(
        lines(&log),
        [
            "start store",
            "start first",
            "start second",
            "stop second",
            "stop first",
            "stop store"
        ]
    );
}
