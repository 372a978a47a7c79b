//! What a person sees in a page of the portal: its forms, the lines of a list, a text here and
//! there. It reads the portal's own markup, which is regular, and nothing else. Pure.

/// The fields of a form that a browser would send if nothing was typed.
pub(super) fn form(page: &str, action: &str) -> Option<Vec<(String, String)>> {
    let mark = format!(" action=\"{action}\"");
    let form = page.split(&mark).nth(1)?.split("</form>").next()?;
    let mut fields = Vec::new();
    for tag in form.split('<').skip(1) {
        let (head, content) = tag.split_once('>')?;
        let value = match head.split(' ').next() {
            Some("input") => attribute(head, "value").unwrap_or_default(),
            // The first line end after the tag is not part of the text.
            Some("textarea") => unescaped(content.strip_prefix('\n').unwrap_or(content)),
            Some("select") => selected(form),
            _ => continue,
        };
        let kind = attribute(head, "type");
        let is_text = !matches!(kind.as_deref(), Some("file" | "submit" | "checkbox"));
        if let Some(name) = attribute(head, "name").filter(|_| is_text) {
            fields.push((name, value));
        }
    }
    Some(fields)
}

fn selected(form: &str) -> String {
    let option = form.split("<option").find(|tag| {
        tag.split('>')
            .next()
            .is_some_and(|head| head.ends_with(" selected"))
    });
    option
        .and_then(|head| attribute(head, "value"))
        .unwrap_or_default()
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it leads.
    pub(super) path: String,
    /// Who wrote it.
    pub(super) who: String,
    pub(super) subject: String,
    /// When it came, as RFC 3339.
    pub(super) at: String,
}

/// The lines of a list, newest first.
pub(super) fn lines(page: &str) -> Vec<Line> {
    let line = |text: &str| {
        Some(Line {
            path: attribute(text.split("class=\"open\"").nth(1)?, "href")?,
            who: visible(between(
                text,
                "<span class=\"who\">",
                "<span class=\"what\">",
            )?),
            subject: visible(between(text, "<span class=\"subject\">", "</span>")?),
            at: attribute(text.split("<time").nth(1)?, "datetime")?,
        })
    };
    page.split("<li class=\"line")
        .skip(1)
        .filter_map(line)
        .collect()
}

/// The path of the first link that begins so.
pub(super) fn link(page: &str, beginning: &str) -> Option<String> {
    let mark = format!("href=\"{beginning}");
    let rest = page.split(&mark).nth(1)?.split('"').next()?;
    Some(unescaped(&format!("{beginning}{rest}")))
}

/// What stands between two marks.
fn between<'p>(page: &'p str, from: &str, to: &str) -> Option<&'p str> {
    page.split_once(from)?.1.split(to).next()
}

/// The text of markup, without what only readers of screens hear.
fn visible(markup: &str) -> String {
    let mut text = String::new();
    for (number, piece) in markup.split('<').enumerate() {
        let (head, content) = match number {
            0 => ("", piece),
            _ => piece.split_once('>').unwrap_or((piece, "")),
        };
        if !head.contains("class=\"hidden\"") {
            text.push_str(content);
        }
    }
    let text = unescaped(text.trim_start_matches(": "));
    text.trim().to_owned()
}

fn attribute(head: &str, name: &str) -> Option<String> {
    let head = head.split('>').next()?;
    let value = between(head, &format!(" {name}=\""), "\"")?;
    Some(unescaped(value))
}

/// Undoes what the portal does to text in its pages.
fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_sent_as_it_stands() {
        let page = "<form method=\"get\" action=\"/m\"><input name=\"q\" value=\"no\"></form>\
            <form class=\"compose\" method=\"post\" action=\"/compose/7\">\
            <input type=\"hidden\" name=\"csrf\" value=\"abc\">\
            <select id=\"from\" name=\"from\"><option value=\"info@x.example\">i</option>\
            <option value=\"a@x.example\" selected>a</option></select>\
            <input id=\"to\" name=\"to\" type=\"text\" value=\"&quot;Ann &amp; Bo&quot; &lt;ann@x.example&gt;\">\
            <textarea id=\"text\" name=\"text\">\n\n&gt; &amp;lt; quoted</textarea>\
            <input type=\"file\" name=\"file\"><button name=\"do\" value=\"send\">Send</button></form>";
        let fields = form(page, "/compose/7").unwrap();
        let expected = [
            ("csrf", "abc"),
            ("from", "a@x.example"),
            ("to", "\"Ann & Bo\" <ann@x.example>"),
            ("text", "\n> &lt; quoted"),
        ];
        assert_eq!(
            fields,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(form(page, "/elsewhere"), None);
    }

    #[test]
    fn a_list_is_read_by_line() {
        let page = "<ol><li class=\"line unread\"><a class=\"open\" href=\"/m/inbox/1-2\">\
            <span class=\"who\"><span class=\"hidden\">Unread: </span>Maria L\u{f3}pez</span>\
            <span class=\"what\"><span class=\"subject\">Q &amp; A</span></span>\
            <time datetime=\"2026-11-02T08:14:07Z\" title=\"x\">08:14</time></a></li></ol>";
        let expected = Line {
            path: "/m/inbox/1-2".to_owned(),
            who: "Maria L\u{f3}pez".to_owned(),
            subject: "Q & A".to_owned(),
            at: "2026-11-02T08:14:07Z".to_owned(),
        };
        assert_eq!(lines(page), [expected]);
        assert_eq!(link(page, "/m/in").as_deref(), Some("/m/inbox/1-2"));
        assert_eq!(link(page, "/compose"), None);
    }
}
