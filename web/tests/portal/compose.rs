//! Writing: drafts, answers, files, the outbox, and what leaves.

use actors::outbox::{COPY_HEADER, Departure};
use axum::http::StatusCode;
use storage::model::{DkimKey, Folder, OutboxEntry, Timestamp};
use storage::spool::{RecipientOutcome, Settlement};

use crate::browser::{Answer, Browser};
use crate::site::{Site, audit};

impl Site {
    async fn outbox(&self) -> Vec<OutboxEntry> {
        let far = Timestamp::from_secs(u64::from(u32::MAX));
        self.spool.outbox_due(far).await.unwrap().0
    }

    /// Lets everything leave.
    async fn leave(&self) {
        let departure = Departure::new(self.spool.clone(), "mx.example.net");
        for entry in self.outbox().await {
            assert!(departure.leave(&entry).await.unwrap());
        }
    }

    /// What is queued for a domain, as it would be sent.
    async fn queued(&self, domain: &str) -> Vec<String> {
        let name = domain.parse().unwrap();
        let domain = self.spool.domain_for_outbound(&name).await.unwrap();
        let mut messages = Vec::new();
        for entry in self.spool.queue_page(domain, None, 100).await.unwrap() {
            let mut body = self.spool.body(&entry);
            let mut raw = Vec::new();
            while let Some(piece) = body.next().await.unwrap() {
                raw.extend_from_slice(&piece);
            }
            messages.push(String::from_utf8(raw).unwrap());
        }
        messages
    }
}

/// The address that a form is from.
fn chosen(form: &str) -> String {
    let select = form.split("id=\"from\"").nth(1).unwrap();
    let before = select.split(" selected").next().unwrap();
    let value = before.rsplit(" value=\"").next().unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// The form's hidden fields with these values typed into it.
pub(crate) async fn send(
    browser: &mut Browser<'_>,
    page: &str,
    typed: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Answer {
    let form = browser.get(page).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.text);
    let action = form
        .text
        .split("class=\"compose\" method=\"post\" action=\"")
        .nth(1)
        .unwrap();
    let action = action.split('"').next().unwrap().to_owned();
    let mut fields: Vec<(String, String)> = Vec::new();
    for name in ["csrf", "revision", "in_reply_to", "references", "answers"] {
        fields.push((name.to_owned(), form.hidden(name)));
    }
    fields.push(("from".to_owned(), chosen(&form.text)));
    for name in ["to", "cc", "subject"] {
        let marks = format!("name=\"{name}\"");
        let value = form
            .text
            .split(&marks)
            .nth(1)
            .and_then(|rest| rest.split('>').next());
        let value = value.and_then(|tag| tag.split(" value=\"").nth(1));
        let value = value
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default();
        let value = value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"");
        fields.push((name.to_owned(), value));
    }
    if form.text.contains("name=\"carry\"") {
        let carry = form.text.split("name=\"carry\" value=\"").nth(1).unwrap();
        fields.push((
            "carry".to_owned(),
            carry.split('"').next().unwrap().to_owned(),
        ));
    }
    for (name, value) in typed {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    browser.post_files(&action, &fields, files).await
}

#[tokio::test]
async fn c27_an_answer_leaves_signed_threads_and_a_marked_copy_goes_home() {
    let site = Site::with_continuity().await;
    let id = site.arrives_plain("info@example.org", "Offer").await;
    let pair = actors::dkim::KeyPair::generate().unwrap();
    let key = DkimKey {
        selector: "mh1".to_owned(),
        record: pair.record,
        created_at: Timestamp::default(),
        private: pair.private,
    };
    let name = "example.org".parse().unwrap();
    site.spool.put_dkim_key(&name, key, audit()).await.unwrap();
    let mut browser = Browser::signed_in(&site).await;
    let page = format!("/compose?reply={id}&kind=reply");
    let text = browser.get(&page).await.text;
    assert!(text.contains("&gt; The text of Offer."), "{text}");
    assert!(
        text.contains("<option value=\"info@example.org\" selected>"),
        "35: from the alias"
    );
    let typed = [
        ("text", "Yes, please.\r\nAlice"),
        ("from", "info@example.org"),
        ("do", "send"),
    ];
    let sent = send(&mut browser, &page, &typed, &[]).await;
    assert_eq!(sent.header("location"), "/outbox", "{}", sent.text);
    let outbox = browser.get("/outbox").await.text;
    assert!(outbox.contains("Re: Offer") && outbox.contains("Message on its way."));
    assert!(
        site.queued("far.example").await.is_empty(),
        "not before its time"
    );
    assert!(site.lines("alice", Folder::Inbox).await[0].flags.answered);

    site.leave().await;
    let world = site.queued("far.example").await;
    let [message] = world.as_slice() else {
        panic!("{world:?}")
    };
    for expected in [
        "DKIM-Signature: v=1; a=rsa-sha256; s=mh1; d=example.org;",
        "From: <info@example.org>",
        "To: \"Ann Far\" <ann@far.example>",
        "Subject: Re: Offer",
        "In-Reply-To: <Offer@far.example>",
        "References: <Offer@far.example>",
        "Yes, please.",
    ] {
        assert!(message.contains(expected), "{expected} in {message}");
    }
    assert!(message.starts_with("Received: by mx.example.net with HTTP id "));
    assert!(!message.contains(COPY_HEADER));
    let home = site.queued("example.org").await;
    let home = home
        .iter()
        .find(|message| message.contains("Yes, please."))
        .unwrap();
    assert!(home.starts_with("X-Mailhold-Copy: sent\r\n"), "{home}");
    let lines = site.lines("alice", Folder::Sent).await;
    let page = browser.get(&format!("/m/sent/{}", lines[0].id)).await.text;
    assert!(
        page.contains("Still on its way to ann@far.example."),
        "{page}"
    );
    assert!(page.contains("A copy waits for your normal mailbox"));
    assert!(browser.get("/drafts").await.text.contains("No drafts"));
}

/// Settles everything that is queued for a domain in one way.
async fn settle(site: &Site, domain: &str, outcome: fn() -> RecipientOutcome) {
    let name = domain.parse().unwrap();
    let domain = site.spool.domain_for_outbound(&name).await.unwrap();
    for entry in site.spool.queue_page(domain, None, 100).await.unwrap() {
        let open = entry.open_recipients().map(|(index, _)| (index, outcome()));
        let settlement = Settlement {
            outcomes: open.collect(),
            notices: Vec::new(),
            entry,
        };
        site.spool.settle(settlement).await.unwrap();
    }
}

#[tokio::test]
async fn c27_what_expired_or_was_removed_is_not_shown_as_if_it_had_arrived() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [
        ("to", "ann@far.example"),
        ("subject", "Offer"),
        ("text", "Yes"),
        ("do", "send"),
    ];
    send(&mut browser, "/compose", &typed, &[]).await;
    site.leave().await;
    let line = site.lines("alice", Folder::Sent).await[0].id;
    let page = format!("/m/sent/{line}");
    let waits = browser.get(&page).await.text;
    assert!(waits.contains("Still on its way to ann@far.example."));
    assert!(
        waits.contains("A copy waits for your normal mailbox"),
        "{waits}"
    );
    settle(&site, "example.org", || RecipientOutcome::Expired).await;
    settle(&site, "far.example", || RecipientOutcome::Removed).await;
    let ended = browser.get(&page).await.text;
    assert!(
        ended.contains("It did not reach ann@far.example."),
        "{ended}"
    );
    assert!(ended.contains("The copy for your normal mailbox did not arrive there"));
    assert!(!ended.contains("has reached your normal mailbox") && !ended.contains("Everybody"));
}

#[tokio::test]
async fn c14_more_files_than_fit_are_told_and_the_others_kept() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let files = vec![("note.txt", "x"); 51];
    let typed = [("text", "Many"), ("do", "attach")];
    let answer = send(&mut browser, "/compose", &typed, &files).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("At most 50 files."));
    assert_eq!(answer.text.matches("name=\"detach\"").count(), 50);
}

#[tokio::test]
async fn c27_a_colleagues_mailbox_has_it_at_once_and_bcc_stays_hidden() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [
        ("to", "Bob <bob@example.org>"),
        ("bcc", "carol@far.example"),
        ("subject", "Gr\u{fc}\u{df}e"),
        ("text", "Hallo Bob"),
        ("do", "send"),
    ];
    send(&mut browser, "/compose", &typed, &[]).await;
    site.leave().await;
    let [line] = &site.lines("bob", Folder::Inbox).await[..] else {
        panic!()
    };
    assert_eq!(line.summary.subject, "Gr\u{fc}\u{df}e");
    assert_eq!(line.summary.from.address, "alice@example.org");
    let world = site.queued("far.example").await;
    assert_eq!(world.len(), 1);
    assert!(!world[0].contains("carol@far.example"));
    let own = site.queued("example.org").await;
    assert_eq!(own.len(), 2, "for Bob's real mailbox, and the copy home");
}

#[tokio::test]
async fn c14_sending_is_undone_and_the_draft_is_back() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [
        ("to", "ann@far.example"),
        ("subject", "Hm"),
        ("text", "Hm"),
        ("do", "send"),
    ];
    send(&mut browser, "/compose", &typed, &[]).await;
    let id = site.outbox().await[0].id;
    let cancel = format!("/outbox/{id}/cancel");
    let back = browser.submit("/outbox", &cancel, &[]).await;
    let form = browser.get(back.header("location")).await;
    assert!(form.text.contains("Stopped.") && form.text.contains("value=\"Hm\""));
    assert!(site.outbox().await.is_empty());
    let late = browser.submit("/outbox", &cancel, &[]).await;
    assert_eq!(late.header("location"), "/m/sent");
}

#[tokio::test]
async fn c14_what_is_wrong_is_named_beside_its_field_and_nothing_typed_is_lost() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [
        ("from", "bob@example.org"),
        ("to", "ann@far.example, nobody@example.org, what"),
        ("text", "A long letter"),
        ("do", "send"),
    ];
    let page = send(&mut browser, "/compose", &typed, &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("Choose one of your own addresses."));
    assert!(page.text.contains("is not an email address"));
    assert!(page.text.contains("A long letter") && site.outbox().await.is_empty());
    let typed = [("to", "nobody@example.org"), ("do", "send")];
    let page = send(&mut browser, "/compose", &typed, &[]).await;
    assert!(
        page.text.contains("nobody@example.org does not exist."),
        "D6"
    );
    let drafts = browser.get("/drafts").await.text;
    assert_eq!(drafts.matches("href=\"/compose/").count(), 2);
}

#[tokio::test]
async fn c14_drafts_keep_files_and_two_windows_notice_each_other() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [("to", "ann@far.example"), ("text", "one"), ("do", "save")];
    let files = [("plan.txt", "the plan"), ("../x.pdf", "%PDF")];
    let saved = send(&mut browser, "/compose", &typed, &files).await;
    let path = saved.header("location").to_owned();
    let page = browser.get(&path).await.text;
    assert!(page.contains("plan.txt") && page.contains("x.pdf") && !page.contains("../x.pdf"));
    let old = page.split("name=\"revision\" value=\"").nth(1).unwrap();
    let old = old.split('"').next().unwrap().to_owned();
    let detach = [("detach", "3")];
    send(&mut browser, &path, &detach, &[]).await;
    let stale = [("text", "two"), ("revision", old.as_str()), ("do", "send")];
    let conflict = send(&mut browser, &path, &stale, &[]).await;
    assert_eq!(conflict.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(conflict.text.contains("another window") && conflict.text.contains("two"));
    let typed = [("to", "ann@far.example"), ("text", "two"), ("do", "send")];
    send(&mut browser, &path, &typed, &[]).await;
    site.leave().await;
    let [message] = &site.queued("far.example").await[..] else {
        panic!()
    };
    assert!(
        message.contains("plan.txt") && !message.contains("x.pdf"),
        "{message}"
    );
}

#[tokio::test]
async fn c14_what_is_passed_on_takes_its_files_along() {
    let site = Site::with_continuity().await;
    let raw = "From: ann@far.example\r\nTo: alice@example.org\r\nSubject: Bill\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nSee below\r\n--m\r\n\
        Content-Type: text/csv\r\nContent-Disposition: attachment; filename=bill.csv\r\n\r\n1;2\r\n--m--\r\n";
    let id = site.arrives("alice@example.org", raw).await;
    let mut browser = Browser::signed_in(&site).await;
    for (kind, expected) in [
        ("forward", "bill.csv"),
        ("attached", "Content-Type: message/rfc822"),
    ] {
        let page = format!("/compose?reply={id}&kind={kind}");
        let typed = [("to", "cem@far.example"), ("text", "fyi"), ("do", "send")];
        let sent = send(&mut browser, &page, &typed, &[]).await;
        assert_eq!(sent.header("location"), "/outbox", "{}", sent.text);
        site.leave().await;
        let messages = site.queued("far.example").await;
        assert!(messages.last().unwrap().contains(expected), "{messages:?}");
    }
}

#[tokio::test]
async fn a2_a_form_of_another_session_is_refused() {
    let site = Site::with_continuity().await;
    let mut browser = Browser::signed_in(&site).await;
    let typed = [("csrf", "00"), ("text", "x"), ("do", "save")];
    let refused = send(&mut browser, "/compose", &typed, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(browser.get("/drafts").await.text.contains("No drafts"));
}
