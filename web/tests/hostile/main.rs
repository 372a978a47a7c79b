//! Every attack vector through the pipeline, judged on the tree that comes out (H5–H14, H18, H19).
//!
//! The same vectors are opened in Chromium by `tests/browser` of the whole workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod corpus;
mod fence;
mod judge;
mod properties;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use corpus::{Vector, vectors};
use judge::{faults, style_faults, tags};
use web::message::{MessageView, PartPath, disposition, file_warning, is_bidi_control};
use web::sanitize::{ImageSource, NoImages, Refusal, SafeHtml, sanitise};

fn corpus() -> Vec<Vector> {
    vectors(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"))
}

/// A reader who has switched images on.
#[derive(Debug)]
struct AllImages;

impl ImageSource for AllImages {
    fn inline(&self, content_id: &str) -> Option<String> {
        (!content_id.contains("nobody")).then(|| format!("{}inline", judge::CAPABILITY))
    }

    fn remote(&self, url: &str) -> Option<String> {
        Some(format!("{}remote{}", judge::CAPABILITY, url.len()))
    }
}

fn view(vector: &Vector) -> Option<MessageView> {
    MessageView::read(&vector.raw, &PartPath::default()).ok()
}

fn safe(html: &str, images: Arc<dyn ImageSource>) -> Result<SafeHtml, Refusal> {
    sanitise(html, images)
}

#[test]
fn h22_there_are_at_least_300_vectors_each_with_a_name_of_its_own() {
    let all = corpus();
    let names: HashSet<_> = all.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
    let mut classes = BTreeMap::new();
    for vector in &all {
        *classes.entry(vector.class.as_str()).or_insert(0) += 1;
    }
    println!("{} vectors: {classes:?}", all.len());
    assert!(all.len() >= 300);
}

#[test]
fn h5_to_h13_nothing_that_runs_loads_or_leads_away_comes_out() {
    let mut wrong = Vec::new();
    for vector in corpus() {
        let Some(html) = view(&vector).and_then(|view| view.html) else {
            continue;
        };
        for images in [
            Arc::new(NoImages) as Arc<dyn ImageSource>,
            Arc::new(AllImages),
        ] {
            match safe(&html, images) {
                Ok(shown) => {
                    let mut found = faults(&shown.html);
                    found.extend(style_faults(&shown.sheet));
                    found.extend(style_faults(&shown.body_style));
                    if !found.is_empty() {
                        wrong.push(format!("{}: {found:?}", vector.name));
                    }
                }
                Err(refusal) => println!("{}: shown as text, {refusal}", vector.name),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn h11_what_comes_out_stays_as_it_is() {
    for vector in corpus() {
        let Some(html) = view(&vector).and_then(|view| view.html) else {
            continue;
        };
        let Ok(once) = safe(&html, Arc::new(NoImages)) else {
            continue;
        };
        let twice = safe(&once.html, Arc::new(NoImages)).unwrap();
        let names = |html: &str| {
            tags(html)
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&once.html), names(&twice.html), "{}", vector.name);
    }
}

#[test]
fn h14_the_text_view_has_only_our_own_elements() {
    let own = ["div", "a", "bdi", "details", "summary", "mark"];
    for vector in corpus() {
        let Some(text) = view(&vector).and_then(|view| view.text) else {
            continue;
        };
        let drawn =
            web::reader::text::view(&text.text, &["alarm".to_owned()], "Quoted").into_string();
        for (element, attributes) in tags(&drawn) {
            assert!(
                own.contains(&element.as_str()),
                "{}: <{element}>",
                vector.name
            );
            for (name, value) in attributes {
                let known = match name.as_str() {
                    "href" => ["http://", "https://", "/compose?"]
                        .iter()
                        .any(|head| value.starts_with(head)),
                    "class" | "data-depth" | "target" | "rel" => true,
                    _ => false,
                };
                assert!(known, "{}: {name}={value}", vector.name);
            }
        }
    }
}

#[test]
fn hd6_h19_fields_and_names_are_one_line_and_headers_ascii() {
    let broken = |text: &str| {
        text.chars()
            .any(|letter| letter.is_control() || is_bidi_control(letter))
    };
    for vector in corpus() {
        let Some(view) = view(&vector) else {
            continue;
        };
        assert!(!broken(&view.subject), "{}", vector.name);
        for mailbox in view.from.iter().chain(&view.reply_to).chain(&view.to) {
            assert!(
                !broken(&mailbox.name) && !broken(&mailbox.address),
                "{}",
                vector.name
            );
        }
        for (name, value) in &view.fields {
            assert!(!broken(name) && !broken(value), "{}: {name}", vector.name);
        }
        for file in &view.attachments {
            assert!(
                !broken(&file.name) && !file.name.contains(['/', '\\', '"']),
                "{}",
                vector.name
            );
            assert!(
                disposition(&file.name)
                    .bytes()
                    .all(|byte| (0x20..0x7f).contains(&byte))
            );
            if file.name.ends_with(".exe") {
                assert!(file_warning(&file.name).is_some(), "{}", file.name);
            }
        }
    }
}

#[test]
fn hd6_every_part_is_a_download_in_a_type_of_ours() {
    for vector in corpus() {
        let Some(view) = view(&vector) else {
            continue;
        };
        for file in &view.attachments {
            let response = web::reader::download::respond_part(&vector.raw, &file.path);
            let headers = response.headers();
            let media_type = headers["content-type"].to_str().unwrap();
            assert!(
                !["html", "xml", "svg", "script", "multipart"]
                    .iter()
                    .any(|word| media_type.contains(word))
                    || media_type.starts_with("application/vnd."),
                "{}: {media_type}",
                vector.name
            );
            assert!(
                headers["content-disposition"]
                    .to_str()
                    .unwrap()
                    .starts_with("attachment;")
            );
            assert_eq!(headers["x-content-type-options"], "nosniff");
        }
    }
}

#[test]
fn h18_invitations_are_text_and_https() {
    let mut seen = 0;
    for vector in corpus().iter().filter(|vector| vector.class == "calendar") {
        let Some(invitation) = view(vector).and_then(|view| view.invitation) else {
            continue;
        };
        seen += 1;
        for event in &invitation.events {
            assert!(
                event.url.as_ref().is_none_or(|url| url.scheme() == "https"),
                "{}",
                vector.name
            );
            assert!(
                !event.summary.contains(['\r', '\n']) && !event.organizer.contains(['\r', '\n'])
            );
        }
    }
    assert!(seen >= 10, "{seen} invitations were read");
}

#[test]
fn h4_parts_are_never_read_as_one() {
    let all = corpus();
    let vector = all
        .iter()
        .find(|vector| vector.name == "mime-efail-concatenation")
        .unwrap();
    let html = view(vector).unwrap().html.unwrap();
    assert!(!html.contains("secret"), "{html}");
}
