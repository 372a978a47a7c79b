//! What the reader says, in every language.

use crate::language::catalogue;

catalogue! {
    no_subject: "(no subject)", "(kein Betreff)";
    from: "From", "Von";
    to: "To", "An";
    cc: "Cc", "Cc";
    date: "Date", "Datum";
    me: "Me", "Ich";
    to_alias(alias): "to {alias}", "an {alias}";
    actions: "With this message", "Mit dieser Nachricht";
    reply: "Reply", "Antworten";
    reply_all: "Reply all", "Allen antworten";
    forward: "Forward", "Weiterleiten";
    forward_attached: "Forward as a file", "Als Datei weiterleiten";
    details: "All header fields", "Alle Kopfzeilen";
    earlier: "Earlier in this conversation", "Fr\u{fc}her in dieser Unterhaltung";
    earlier_count(count): "Earlier in this conversation: {count}", "Fr\u{fc}her in dieser Unterhaltung: {count}";
    newest_here: "Go to the newest message of this conversation", "Zur neuesten Nachricht dieser Unterhaltung";
    later: "Later in this conversation", "Sp\u{e4}ter in dieser Unterhaltung";
    message_from(sender): "Message from {sender}", "Nachricht von {sender}";
    quoted: "Quoted text", "Zitierter Text";
    show_text: "Show as plain text", "Als reinen Text zeigen";
    show_html: "Show with formatting", "Mit Formatierung zeigen";
    no_text: "This message has no text.", "Diese Nachricht hat keinen Text.";
    cut: "The text is very long; this is its beginning. All of it is in the download.", "Der Text ist sehr lang; dies ist sein Anfang. Alles steht in der heruntergeladenen Nachricht.";
    not_as_html:
        "This message cannot be shown safely with its formatting, so here is its text.",
        "Diese Nachricht l\u{e4}sst sich mit ihrer Formatierung nicht sicher zeigen; hier ist ihr Text.";
    too_much:
        "This message is too large or too tangled to be shown here. Nothing is lost: download it and open it in a mail program.",
        "Diese Nachricht ist zu gro\u{df} oder zu verschachtelt, um hier gezeigt zu werden. Nichts ist verloren: Laden Sie sie herunter und \u{f6}ffnen Sie sie in einem Mailprogramm.";

    one_blocked: "1 image was not loaded.", "1 Bild wurde nicht geladen.";
    blocked(count): "{count} images were not loaded.", "{count} Bilder wurden nicht geladen.";
    one_tracker: "1 more only tells the sender that you have read this; it is never loaded.", "1 weiteres meldet nur dem Absender, dass Sie gelesen haben; es wird nie geladen.";
    trackers(count): "{count} more only tell the sender that you have read this; they are never loaded.", "{count} weitere melden nur dem Absender, dass Sie gelesen haben; sie werden nie geladen.";
    from_hosts(hosts): "From {hosts}", "Von {hosts}";
    links_lie: "Some links lead to another place than they say:", "Einige Links f\u{fc}hren anderswohin, als sie sagen:";
    link_leads(shown, target): "\u{201c}{shown}\u{201d} leads to {target}", "\u{201e}{shown}\u{201c} f\u{fc}hrt zu {target}";
    name_is_address(shown, address): "The sender\u{2019}s name says {shown}, but the message is from {address}.", "Der Name des Absenders lautet {shown}, aber die Nachricht kommt von {address}.";
    replies_elsewhere(address): "An answer would go to another place: {address}.", "Eine Antwort ginge anderswohin: {address}.";
    looks_like_own(domain, own): "{domain} looks like your own domain {own}, but is another one.", "{domain} sieht aus wie Ihre Domain {own}, ist aber eine andere.";
    several_senders: "This message names several senders.", "Diese Nachricht nennt mehrere Absender.";
    encrypted: "This message is encrypted: open it in your mail program.", "Diese Nachricht ist verschl\u{fc}sselt: \u{d6}ffnen Sie sie in Ihrem Mailprogramm.";
    signed: "This message is signed; the signature was not checked here.", "Diese Nachricht ist signiert; die Signatur wurde hier nicht gepr\u{fc}ft.";
    invitation: "Invitation", "Einladung";
    called_off: "Called off", "Abgesagt";
    when: "When", "Wann";
    repeats: "repeats", "wiederholt sich";
    place: "Where", "Wo";
    organizer: "Organiser", "Veranstalter";
    link: "Link", "Link";

    way_done: "Everybody has got this message.", "Alle haben diese Nachricht bekommen.";
    way_open(names): "Still on its way to {names}.", "Noch unterwegs zu {names}.";
    way_failed(names): "It did not reach {names}.", "Nicht angekommen bei {names}.";
    home_failed: "The copy for your normal mailbox did not arrive there: it waited longer than mail is kept, or was removed.", "Die Kopie f\u{fc}r Ihr normales Postfach ist dort nicht angekommen: Sie hat l\u{e4}nger gewartet, als Mail aufbewahrt wird, oder wurde entfernt.";
    way_unknown: "What became of it is no longer recorded.", "Was aus ihr wurde, ist nicht mehr verzeichnet.";
    home_waits: "A copy waits for your normal mailbox and arrives there when your server is back.", "Eine Kopie wartet auf Ihr normales Postfach und kommt dort an, sobald Ihr Server zur\u{fc}ck ist.";
    home_reached: "A copy has reached your normal mailbox.", "Eine Kopie ist in Ihrem normalen Postfach angekommen.";

    files(count): "Files ({count})", "Dateien ({count})";
    runs_when_opened: "This file runs when it is opened. Open it only if you expected it.", "Diese Datei wird beim \u{d6}ffnen ausgef\u{fc}hrt. \u{d6}ffnen Sie sie nur, wenn Sie sie erwartet haben.";
    hides_its_kind: "The name of this file hides what it is.", "Der Name dieser Datei verbirgt, was sie ist.";
    download: "Download", "Herunterladen";
    all_files: "Download all files", "Alle Dateien herunterladen";
    print: "Print", "Drucken";
    source: "Source", "Quelltext";
    download_message: "Download message", "Nachricht herunterladen";
    kept_until(date): "Kept here until {date}.", "Bleibt hier bis {date}.";
}
