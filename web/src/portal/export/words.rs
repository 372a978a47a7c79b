//! What the page for exports says, in every language.

use crate::language::catalogue;

catalogue! {
    title: "Take your mail along", "Mail mitnehmen";
    lead:
        "Everything in this mailbox as one file: inbox, sent, archive and trash. It holds your private mail: keep it safe.",
        "Alles in diesem Postfach als eine Datei: Posteingang, Gesendet, Archiv und Papierkorb. Sie enth\u{e4}lt Ihre private Post: Verwahren Sie sie gut.";
    format: "Kind of file", "Art der Datei";
    zip: "Zip with one .eml file per message", "Zip mit einer .eml-Datei je Nachricht";
    mbox: "mbox, which mail programs import", "mbox, das Mailprogramme einlesen";
    make: "Make a link", "Link erstellen";
    ready: "Your link is ready", "Ihr Link ist da";
    ready_for(time): "It is good until {time}, in this browser only.", "Er gilt bis {time} und nur in diesem Browser.";
    download: "Download", "Herunterladen";
    fault_format: "Choose a kind of file.", "W\u{e4}hlen Sie eine Art der Datei.";
}
