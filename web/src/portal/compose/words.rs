//! What the pages for writing say, in every language.

use crate::language::catalogue;

catalogue! {
    new_message: "New message", "Neue Nachricht";
    drafts: "Drafts", "Entw\u{fc}rfe";
    outbox: "Outbox", "Postausgang";
    from: "From", "Von";
    to: "To", "An";
    cc: "Cc", "Cc";
    bcc: "Bcc", "Bcc";
    more_recipients: "Cc and Bcc", "Cc und Bcc";
    subject: "Subject", "Betreff";
    text: "Message", "Nachricht";
    files: "Files", "Dateien";
    files_hint(megabytes): "At most {megabytes} MB in all.", "Zusammen h\u{f6}chstens {megabytes} MB.";
    carry_files: "Send the files of the original along", "Die Dateien des Originals mitsenden";
    carry_whole: "Send the original message along, unchanged", "Die Originalnachricht unver\u{e4}ndert mitsenden";
    attach: "Attach", "Anh\u{e4}ngen";
    detach(name): "Remove {name}", "{name} entfernen";
    send: "Send", "Senden";
    save_draft: "Save draft", "Entwurf speichern";
    saved: "Draft saved.", "Entwurf gespeichert.";
    discard: "Discard", "Verwerfen";
    addresses_hint: "Several addresses are separated by commas.", "Mehrere Adressen werden durch Kommas getrennt.";
    sends_here:
        "It leaves at once, also while your own server is down. A copy reaches your normal mailbox when it is back.",
        "Sie geht sofort hinaus, auch wenn Ihr eigener Server steht. Eine Kopie kommt in Ihr normales Postfach, sobald er zur\u{fc}ck ist.";

    fault_summary: "The message was saved, but not sent.", "Die Nachricht ist gespeichert, aber nicht gesendet.";
    fault_from: "Choose one of your own addresses.", "W\u{e4}hlen Sie eine Ihrer eigenen Adressen.";
    fault_nobody: "Nobody would get this message: add an address.", "Diese Nachricht ginge an niemanden: F\u{fc}gen Sie eine Adresse hinzu.";
    fault_address(text): "\u{201c}{text}\u{201d} is not an email address.", "\u{201e}{text}\u{201c} ist keine E-Mail-Adresse.";
    fault_unknown(address): "{address} does not exist.", "{address} gibt es nicht.";
    fault_too_many(count): "At most {count} recipients.", "H\u{f6}chstens {count} Empf\u{e4}nger.";
    fault_too_long: "There are too many addresses here.", "Hier stehen zu viele Adressen.";
    fault_text: "The text is longer than one megabyte.", "Der Text ist l\u{e4}nger als ein Megabyte.";
    fault_too_large: "The files are too large. Send fewer at a time.", "Die Dateien sind zu gro\u{df}. Senden Sie weniger auf einmal.";
    fault_too_many_files(count): "At most {count} files.", "H\u{f6}chstens {count} Dateien.";
    fault_conflict:
        "This draft was changed in another window. Below is what you have typed here; saving it overwrites the other.",
        "Dieser Entwurf wurde in einem anderen Fenster ge\u{e4}ndert. Unten steht, was Sie hier geschrieben haben; Speichern \u{fc}berschreibt das andere.";
    fault_limit:
        "You have sent a lot today. To protect your account the rest has to wait until tomorrow; your administrator can help.",
        "Sie haben heute viel gesendet. Zum Schutz Ihres Kontos muss der Rest bis morgen warten; Ihr Administrator kann helfen.";
    fault_storage_full:
        "The storage is full, so nothing can be kept at the moment. Your text is still here: leave this page open and try again later.",
        "Der Speicher ist voll, im Moment kann nichts gesichert werden. Ihr Text steht noch hier: Lassen Sie diese Seite offen und versuchen Sie es sp\u{e4}ter noch einmal.";
    fault_forgotten:
        "Your text speaks of a file, but none is attached. Add it, or send without files.",
        "Ihr Text spricht von einer Datei, aber es ist keine angeh\u{e4}ngt. F\u{fc}gen Sie sie hinzu oder senden Sie ohne Dateien.";
    send_without_files: "Send without files", "Ohne Dateien senden";
    fault_no_room: "There are too many drafts. Discard some.", "Es gibt zu viele Entw\u{fc}rfe. Verwerfen Sie einige.";

    wrote(date, who): "On {date} {who} wrote:", "Am {date} schrieb {who}:";
    forwarded: "Forwarded message", "Weitergeleitete Nachricht";
    date: "Date", "Datum";

    no_drafts: "No drafts", "Keine Entw\u{fc}rfe";
    no_drafts_more: "What you write is kept here until you send it.", "Was Sie schreiben, wird hier aufbewahrt, bis Sie es senden.";
    no_recipient: "(no recipient yet)", "(noch kein Empf\u{e4}nger)";
    outbox_empty: "Nothing is waiting", "Nichts wartet";
    outbox_empty_more: "What you send leaves from here.", "Was Sie senden, geht von hier hinaus.";
    leaves_at(time): "leaves at {time}", "geht um {time} hinaus";
    stop: "Stop and edit", "Anhalten und bearbeiten";
    not_left(reason): "It could not leave yet: {reason}", "Sie konnte noch nicht hinaus: {reason}";
}
