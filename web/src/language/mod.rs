//! Languages: which one a reader gets, and the catalogues of texts in all of them.
//!
//! A text exists in every language or the program does not compile. Catalogues are written with
//! `catalogue!`, one file for an area of the site; a text is a function that takes the language
//! and what stands in it.

mod dates;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

pub use dates::{DateStyle, format_date, format_duration};

/// A language that all texts exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its tag (RFC 5646).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Its name in itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// The language of a tag such as `de-AT`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default().trim();
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The language that a browser asks for: the first of its list that we have, by weight.
    #[must_use]
    pub fn asked_for(headers: &HeaderMap) -> Self {
        let wishes = headers.get_all(ACCEPT_LANGUAGE).iter();
        let wishes = wishes.filter_map(|value| value.to_str().ok());
        let mut best = None;
        for wish in wishes.flat_map(|value| value.split(',')).take(32) {
            let mut parts = wish.split(';');
            let language = Self::of_tag(parts.next().unwrap_or_default());
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok())
                .unwrap_or(1.0);
            if let Some(language) = language
                && best.is_none_or(|(_, before)| weight > before)
            {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language).unwrap_or_default()
    }
}

/// A catalogue of texts: `name: "English", "Deutsch";`, or `name(count): "{count} …", "{count} …";`
/// for a text in which something stands.
macro_rules! catalogue {
    ($($(#[$meta:meta])* $name:ident $(($($argument:ident),+))? : $english:literal, $german:literal;)+) => {
        $($crate::language::text! { $(#[$meta])* $name $(($($argument),+))? : $english, $german })+
    };
}

/// One text of a catalogue.
macro_rules! text {
    ($(#[$meta:meta])* $name:ident : $english:literal, $german:literal) => {
        $(#[$meta])*
        pub(crate) const fn $name(language: $crate::language::Language) -> &'static str {
            match language {
                $crate::language::Language::English => $english,
                $crate::language::Language::German => $german,
            }
        }
    };
    ($(#[$meta:meta])* $name:ident ($($argument:ident),+) : $english:literal, $german:literal) => {
        $(#[$meta])*
        pub(crate) fn $name(
            language: $crate::language::Language,
            $($argument: impl ::std::fmt::Display,)+
        ) -> String {
            match language {
                $crate::language::Language::English => format!($english),
                $crate::language::Language::German => format!($german),
            }
        }
    };
}

pub(crate) use {catalogue, text};

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_browser_gets_the_first_language_of_its_list_that_there_is() {
        for (wish, expected) in [
            ("de", Language::German),
            ("de-CH, en;q=0.5", Language::German),
            ("fr, de;q=0.7, en;q=0.8", Language::English),
            ("fr;q=1, de;q=0.1", Language::German),
            ("ja", Language::English),
            ("", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(wish).unwrap());
            assert_eq!(Language::asked_for(&headers), expected, "{wish}");
        }
    }
}
