//! Whether somebody has written of a file and attached none: a hint before the message leaves. Pure.

use super::content::Content;

/// What people write who attach something, in the languages of the portal, in lower case.
const WORDS: [&str; 14] = [
    "attached",
    "attaching",
    "attachment",
    "enclosed",
    "see the file",
    "anbei",
    "im anhang",
    "angeh\u{e4}ngt",
    "anh\u{e4}nge ",
    "beigef\u{fc}gt",
    "im anhange",
    "h\u{e4}nge ich an",
    "als anlage",
    "in der anlage",
];

/// Whether the writer's own words, not what is quoted or signed, speak of a file that is not there.
pub(super) fn is_likely(content: &Content) -> bool {
    if !content.files.is_empty() {
        return false;
    }
    let own = content.text.lines().take_while(|line| *line != "-- ");
    let own = own.filter(|line| !line.starts_with('>'));
    own.map(str::to_lowercase)
        .any(|line| WORDS.iter().any(|word| line.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_spoken_of_and_not_there_is_missed() {
        for (text, expected) in [
            ("Please find it attached.", true),
            ("Anbei die Rechnung.", true),
            ("Der Plan ist angeh\u{c4}ngt", true),
            ("Hello", false),
            ("Thanks!\n\n> it is attached", false),
            ("Thanks\n-- \nsee attachment policy", false),
        ] {
            let content = Content {
                text: text.to_owned(),
                ..Content::default()
            };
            assert_eq!(is_likely(&content), expected, "{text}");
        }
    }
}
