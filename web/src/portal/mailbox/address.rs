//! The address of a list: shelf, filter, query and place, and nothing else.

use storage::model::LineId;
use storage::spool::Toward;

use super::shelf::Shelf;

/// What of a shelf is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Filter {
    /// All of it.
    #[default]
    All,
    /// What was not read.
    Unread,
    /// What has a star.
    Starred,
    /// What has files.
    Files,
    /// What came in since the latest outage of the own server began.
    Outage,
}

impl Filter {
    pub(super) const ALL: [Self; 5] = [
        Self::All,
        Self::Unread,
        Self::Starred,
        Self::Files,
        Self::Outage,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Unread => "unread",
            Self::Starred => "starred",
            Self::Files => "files",
            Self::Outage => "outage",
        }
    }
}

/// Which part of which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) shelf: Shelf,
    pub(super) filter: Filter,
    /// What is searched for, as it was typed; empty when nothing is.
    pub(super) query: &'a str,
    pub(super) toward: Toward,
}

/// The query part of an address, as a browser sends it.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    f: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
}

/// Octets of a search, at most.
const QUERY_BYTES_MAX: usize = 1_000;

impl ListQuery {
    /// The address; none when a part of it names nothing.
    pub(super) fn address(&self, shelf: Shelf) -> Option<Address<'_>> {
        let filter = Filter::ALL
            .into_iter()
            .find(|filter| filter.word() == self.f)?;
        let place = |text: &str| text.parse::<LineId>().ok();
        let toward = match (self.before.as_str(), self.after.as_str()) {
            ("", "") => Toward::Newest,
            (before, "") => Toward::OlderThan(place(before)?),
            ("", after) => Toward::NewerThan(place(after)?),
            _ => return None,
        };
        let query = self.q.trim();
        (query.len() <= QUERY_BYTES_MAX).then_some(Address {
            shelf,
            filter,
            query,
            toward,
        })
    }
}

impl Address<'_> {
    /// As a path of ours.
    pub(super) fn path(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.query.is_empty() {
            query.append_pair("q", self.query);
        }
        if self.filter != Filter::All {
            query.append_pair("f", self.filter.word());
        }
        match self.toward {
            Toward::Newest => {}
            Toward::OlderThan(id) => {
                query.append_pair("before", &id.to_string());
            }
            Toward::NewerThan(id) => {
                query.append_pair("after", &id.to_string());
            }
        }
        let query = query.finish();
        let path = self.shelf.path();
        if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        }
    }

    /// The same list from another place on.
    pub(super) const fn at(self, toward: Toward) -> Self {
        Self { toward, ..self }
    }

    /// The same shelf, filtered otherwise, from its newest message on.
    pub(super) const fn filtered(self, filter: Filter) -> Self {
        Self {
            filter,
            toward: Toward::Newest,
            ..self
        }
    }

    /// Whether messages are searched for, rather than listed.
    pub(super) const fn is_search(&self) -> bool {
        !self.query.is_empty() || matches!(self.filter, Filter::Starred | Filter::Files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_an_address_holds_the_whole_state_of_a_list() {
        let id: LineId = "19a-01ARZ3NDEKTSV4RRFFQ6".parse().unwrap();
        let all = Address {
            shelf: Shelf::Inbox,
            filter: Filter::Unread,
            query: "from:ann \"a b\"",
            toward: Toward::OlderThan(id),
        };
        let path = all.path();
        let (shelf, query) = path.split_once('?').unwrap();
        assert_eq!(shelf, "/m/inbox");
        let mut read = ListQuery::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "q" => read.q = value.into_owned(),
                "f" => read.f = value.into_owned(),
                "before" => read.before = value.into_owned(),
                other => panic!("{other}"),
            }
        }
        assert_eq!(read.address(Shelf::Inbox), Some(all));
        let plain = ListQuery::default();
        assert_eq!(plain.address(Shelf::Trash).unwrap().path(), "/m/trash");
    }

    #[test]
    fn an_address_that_names_nothing_is_refused() {
        for (f, before, after) in [("x", "", ""), ("", "zz", ""), ("", "1", "1"), ("", "", "-")] {
            let query = ListQuery {
                f: f.into(),
                before: before.into(),
                after: after.into(),
                ..ListQuery::default()
            };
            assert_eq!(query.address(Shelf::Inbox), None, "{query:?}");
        }
    }
}
