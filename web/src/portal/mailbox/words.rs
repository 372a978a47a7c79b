//! What the mailbox says, in every language.

use crate::language::catalogue;

catalogue! {
    inbox: "Inbox", "Posteingang";
    starred: "Starred", "Markiert";
    sent: "Sent", "Gesendet";
    archive: "Archive", "Archiv";
    trash: "Trash", "Papierkorb";
    title_unread(count, name): "{count} unread \u{b7} {name}", "{count} ungelesen \u{b7} {name}";
    title_search(query): "Search: {query}", "Suche: {query}";
    search_results: "Search results", "Suchergebnis";

    no_subject: "(no subject)", "(kein Betreff)";
    no_sender: "(no sender)", "(kein Absender)";
    to_whom(names): "To {names}", "An {names}";
    to_nobody_named: "(nobody named)", "(niemand genannt)";
    to_alias(alias): "to {alias}", "an {alias}";
    unread_word: "Unread", "Ungelesen";
    answered: "Answered", "Beantwortet";
    has_files: "With files", "Mit Dateien";
    has_star: "Starred", "Markiert";
    select_message(who, subject): "Select: {who}, {subject}", "Ausw\u{e4}hlen: {who}, {subject}";
    everything(shelf): "Everything in {shelf}, not only this page", "Alles in {shelf}, nicht nur diese Seite";

    search: "Search", "Suchen";
    search_label: "Search mail", "Mail durchsuchen";
    search_help: "Search help", "Suchhilfe";
    operator_phrase: "these words in this order", "diese W\u{f6}rter in dieser Reihenfolge";
    operator_from: "who wrote it", "wer geschrieben hat";
    operator_to: "to whom", "an wen";
    operator_subject: "in the subject", "im Betreff";
    operator_has: "with files", "mit Dateien";
    operator_before: "came before this day", "kam vor diesem Tag";
    operator_after: "came on this day or later", "kam an diesem Tag oder sp\u{e4}ter";
    operator_unread: "not read yet", "noch nicht gelesen";
    operator_larger: "larger than this", "gr\u{f6}\u{df}er als";

    filters: "Show", "Anzeigen";
    filter_all: "All", "Alle";
    filter_unread: "Unread", "Ungelesen";
    filter_files: "With files", "Mit Dateien";
    filter_outage: "Since the outage began", "Seit Beginn der St\u{f6}rung";
    pages: "Pages", "Seiten";
    newest: "Newest", "Neueste";
    newer: "Newer", "Neuere";
    older: "Older", "\u{c4}ltere";

    deeds: "With the selected messages", "Mit den ausgew\u{e4}hlten Nachrichten";
    do_read: "Mark read", "Gelesen";
    do_unread: "Mark unread", "Ungelesen";
    do_star: "Star", "Markieren";
    do_unstar: "Remove star", "Markierung entfernen";
    do_archive: "Archive", "Archivieren";
    do_inbox: "Move to inbox", "In den Posteingang";
    do_trash: "Delete", "L\u{f6}schen";
    do_delete: "Delete for good", "Endg\u{fc}ltig l\u{f6}schen";
    done_read(count): "Marked as read: {count}.", "Als gelesen markiert: {count}.";
    done_unread(count): "Marked as unread: {count}.", "Als ungelesen markiert: {count}.";
    done_star(count): "Starred: {count}.", "Markiert: {count}.";
    done_unstar(count): "Stars removed: {count}.", "Markierung entfernt: {count}.";
    done_archive(count): "Archived: {count}.", "Archiviert: {count}.";
    done_inbox(count): "Moved to the inbox: {count}.", "In den Posteingang verschoben: {count}.";
    done_trash(count): "Moved to the trash: {count}.", "In den Papierkorb verschoben: {count}.";
    done_delete(count): "Deleted for good: {count}.", "Endg\u{fc}ltig gel\u{f6}scht: {count}.";

    nothing_found: "Nothing found", "Nichts gefunden";
    drop_search: "Show everything again", "Wieder alles zeigen";
    nothing_filtered: "Nothing like that here", "Hier ist nichts dergleichen";
    drop_filter: "Show all", "Alle zeigen";
    nothing_here: "Nothing here", "Hier ist nichts";
    first_day: "Mail from now on is kept here", "Mail wird ab jetzt hier aufbewahrt";
    first_day_more(days):
        "Every new message appears here as it arrives and stays for {days} days. There is nothing you have to do.",
        "Jede neue Nachricht erscheint hier, sobald sie eintrifft, und bleibt {days} Tage. Sie m\u{fc}ssen nichts tun.";
}
