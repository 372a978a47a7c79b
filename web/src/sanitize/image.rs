//! Images of a message: which may be loaded, from where, and what the reader is told (H8, H12).

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;

use super::css::ImageAddresses;
use super::limits::{IMAGE_HOSTS_MAX, IMAGES_MAX};
use crate::links::percent_decoded;
use crate::message::image_type;

/// Who knows the images of a message.
pub trait ImageSource: Debug + Send + Sync {
    /// The address of a part of this message by its Content-ID, if it is an image.
    fn inline(&self, content_id: &str) -> Option<String>;
    /// The address under which a remote image may be loaded; none while images are blocked.
    fn remote(&self, url: &str) -> Option<String>;
}

/// A message without images of its own, whose remote images stay blocked.
#[derive(Debug, Clone, Copy)]
pub struct NoImages;

impl ImageSource for NoImages {
    fn inline(&self, _content_id: &str) -> Option<String> {
        None
    }

    fn remote(&self, _url: &str) -> Option<String> {
        None
    }
}

/// What the bar above a message says about its images.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageReport {
    /// Images shown that came with the message.
    pub inline: usize,
    /// Different remote images that were not loaded, trackers excepted.
    pub blocked: usize,
    /// Different remote images that are loaded through the proxy.
    pub proxied: usize,
    /// Images that only tell the sender that the message was opened; never loaded.
    pub trackers: usize,
    /// Hosts of the remote images, at most twenty.
    pub hosts: BTreeSet<String>,
}

/// Paths that tell a sender that a message was opened, as the large senders write them.
const TRACKER_PATHS: &[&str] = &[
    "/track/open",
    "/open.php",
    "/open.aspx",
    "/wf/open",
    "/o.gif",
    "/open.gif",
    "/pixel.gif",
    "/pixel.png",
    "/spacer.gif?",
    "/1x1.gif",
    "/1x1.png",
    "/beacon",
    "/trk/open",
    "/e/open",
    "/mail/open",
    "/email/open",
    "/imp?",
    "/impression",
    "/opens/",
    "/read-receipt",
    "/cio/open",
];

/// Decides about each image of one message and remembers what it decided.
#[derive(Debug)]
pub(crate) struct Images {
    source: Arc<dyn ImageSource>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What became of each address as the mail writes it.
    decided: HashMap<String, Option<String>>,
    /// Addresses that were given out.
    given: BTreeSet<String>,
    report: ImageReport,
}

impl Images {
    pub(crate) fn new(source: Arc<dyn ImageSource>) -> Self {
        Self {
            source,
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What is inside is whole after each statement, so a panic elsewhere spoils nothing.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was decided so far.
    pub(crate) fn report(&self) -> ImageReport {
        self.seen().report.clone()
    }

    /// Whether an address was given out for this message, or is an inline image.
    pub(crate) fn is_given(&self, url: &str) -> bool {
        self.seen().given.contains(url) || data_image(url).is_some_and(|image| image == url)
    }

    /// Counts an image that is a tracker, whatever the reader wishes (H12).
    pub(crate) fn count_tracker(&self, url: &str) {
        let mut seen = self.seen();
        seen.report.trackers += 1;
        note_host(&mut seen.report, url);
    }

    /// Whether an address, by itself, is a remote one.
    pub(crate) fn is_remote(url: &str) -> bool {
        remote(url).is_some()
    }

    /// Whether the path of an address is one of an open pixel.
    pub(crate) fn is_tracker_path(url: &str) -> bool {
        let url = url.to_ascii_lowercase();
        TRACKER_PATHS.iter().any(|path| url.contains(path))
    }

    fn decide(&self, url: &str) -> Option<String> {
        let text = url.trim();
        if let Some(id) = strip_scheme(text, "cid:") {
            let address = self.source.inline(&percent_decoded(id))?;
            self.seen().report.inline += 1;
            return Some(address);
        }
        if strip_scheme(text, "data:").is_some() {
            let image = data_image(text)?;
            self.seen().report.inline += 1;
            return Some(image);
        }
        let remote = remote(text)?;
        if Self::is_tracker_path(remote.as_str()) {
            self.count_tracker(remote.as_str());
            return None;
        }
        let address = self.source.remote(remote.as_str());
        let mut seen = self.seen();
        match address {
            Some(_) => seen.report.proxied += 1,
            None => seen.report.blocked += 1,
        }
        note_host(&mut seen.report, remote.as_str());
        address
    }
}

impl ImageAddresses for Images {
    fn resolve(&self, url: &str) -> Option<String> {
        if self.is_given(url) {
            return Some(url.to_owned());
        }
        {
            let seen = self.seen();
            if let Some(decided) = seen.decided.get(url) {
                return decided.clone();
            }
            if seen.decided.len() >= IMAGES_MAX {
                return None;
            }
        }
        let decided = self.decide(url);
        let mut seen = self.seen();
        if let Some(address) = &decided
            && !address.starts_with("data:")
        {
            seen.given.insert(address.clone());
        }
        seen.decided.insert(url.to_owned(), decided.clone());
        decided
    }
}

fn note_host(report: &mut ImageReport, url: &str) {
    if report.hosts.len() < IMAGE_HOSTS_MAX
        && let Some(host) = remote(url).as_ref().and_then(Url::host_str)
    {
        report.hosts.insert(host.to_owned());
    }
}

/// A remote address: http or https, with or without its scheme written.
fn remote(url: &str) -> Option<Url> {
    let parsed = if url.starts_with("//") {
        Url::parse(&format!("https:{url}"))
    } else {
        Url::parse(url)
    };
    let mut url = parsed.ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return None;
    }
    // An address for an image needs neither; a name before an @ only misleads.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_fragment(None);
    Some(url)
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = url.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Takes what senders write: with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A `data:` address of one of four raster types, by its first bytes, in canonical form.
fn data_image(url: &str) -> Option<String> {
    let (head, payload) = strip_scheme(url.trim(), "data:")?.split_once(',')?;
    if !head.trim().to_ascii_lowercase().ends_with(";base64") {
        return None;
    }
    let payload: String = payload
        .chars()
        .filter(|letter| !letter.is_ascii_whitespace())
        .collect();
    let bytes = LENIENT.decode(payload.as_bytes()).ok()?;
    let kind = image_type::sniff(&bytes)?;
    Some(format!(
        "data:{};base64,{}",
        kind.media_type(),
        LENIENT.encode(&bytes)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXEL: &str = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

    #[derive(Debug)]
    struct Proxy;

    impl ImageSource for Proxy {
        fn inline(&self, content_id: &str) -> Option<String> {
            (content_id == "a@b").then(|| "https://o.example/c/1".to_owned())
        }

        fn remote(&self, url: &str) -> Option<String> {
            Some(format!("https://o.example/c/{}", url.len()))
        }
    }

    #[test]
    fn h8_data_images_are_what_their_first_bytes_say() {
        let wanted = format!("data:image/gif;base64,{PIXEL}");
        for url in [
            format!("data:image/png;base64,{PIXEL}"),
            format!("DATA:image/svg+xml;base64,{}", PIXEL.trim_end_matches('=')),
            format!(
                "data:text/html;charset=x;BASE64,{}\n{}",
                &PIXEL[..8],
                &PIXEL[8..]
            ),
            format!("data:;base64,{PIXEL}"),
        ] {
            assert_eq!(data_image(&url).as_ref(), Some(&wanted), "{url}");
        }
        for url in [
            "data:image/svg+xml,<svg onload=alarm()>",
            "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
            "data:text/html;base64,PHNjcmlwdD4=",
            "data:image/png,abc",
            "data:image/png;base64,%%%",
        ] {
            assert_eq!(data_image(url), None, "{url}");
        }
    }

    #[test]
    fn h8_blocked_images_are_counted_once_with_their_host() {
        let images = Images::new(Arc::new(NoImages));
        for url in [
            "http://a.example/1",
            "http://a.example/1",
            "//b.example/2",
            "ftp://c/3",
            "x.png",
        ] {
            assert_eq!(images.resolve(url), None);
        }
        let report = images.report();
        assert_eq!(report.blocked, 2);
        assert_eq!(report.hosts.len(), 2);
    }

    #[test]
    fn h12_open_pixels_are_not_loaded_with_images_on() {
        let images = Images::new(Arc::new(Proxy));
        assert!(images.resolve("https://a.example/logo.png").is_some());
        assert_eq!(images.resolve("https://a.example/Track/Open.php?u=1"), None);
        assert!(images.resolve("cid:a%40b").is_some());
        assert_eq!(images.resolve("cid:other"), None);
        let report = images.report();
        assert_eq!((report.trackers, report.proxied, report.inline), (1, 1, 1));
    }
}
