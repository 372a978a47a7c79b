//! Runs of the pipeline beside the event loop, few at a time and with an end (H3, H23).

use std::sync::Arc;

use metrics::counter;
use tokio::sync::Semaphore;

use super::limits::{RUN_TIMEOUT, RUNS_AT_ONCE_MAX};
use super::{ImageSource, Refusal, SafeHtml, sanitise};
use crate::metrics::{MAIL_HTML, MAIL_TAGS_DROPPED};

/// Prepares HTML parts; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sanitiser {
    permits: Arc<Semaphore>,
}

impl Default for Sanitiser {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(RUNS_AT_ONCE_MAX)),
        }
    }
}

impl Sanitiser {
    /// Makes the HTML of one part safe to show, within the time limit.
    ///
    /// # Errors
    /// When it is beyond a limit, not stable or not ready in time: the message is shown as text.
    pub async fn run(
        &self,
        html: String,
        images: Arc<dyn ImageSource>,
    ) -> Result<SafeHtml, Refusal> {
        let result = tokio::time::timeout(RUN_TIMEOUT, self.start(html, images))
            .await
            .unwrap_or(Err(Refusal::OutOfTime));
        match &result {
            Ok(safe) => {
                counter!(MAIL_HTML.name, "outcome" => "shown").increment(1);
                let dropped = u64::try_from(safe.dropped).unwrap_or(u64::MAX);
                counter!(MAIL_TAGS_DROPPED.name).increment(dropped);
            }
            Err(refusal) => {
                counter!(MAIL_HTML.name, "outcome" => refusal.word()).increment(1);
            }
        }
        result
    }

    async fn start(&self, html: String, images: Arc<dyn ImageSource>) -> Result<SafeHtml, Refusal> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Refusal::OutOfTime)?;
        let run = tokio::task::spawn_blocking(move || {
            // Held until the run ends, even when nobody waits for it any more.
            let _permit = permit;
            sanitise(&html, images)
        });
        // A panic inside is one message that is shown as text.
        run.await.unwrap_or(Err(Refusal::NotStable))
    }
}
