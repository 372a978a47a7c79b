//! What the pages about the account say, in every language.

use crate::language::catalogue;

catalogue! {
    forgot_title: "I cannot sign in", "Ich kann mich nicht anmelden";
    forgot_lead:
        "Enter the address of your mailbox. You get a link to set a password.",
        "Geben Sie die Adresse Ihres Postfachs ein. Sie bekommen einen Link, um ein Passwort zu setzen.";
    forgot_send: "Send link", "Link senden";
    forgot_code: "I have a one-time code", "Ich habe einen Einmalcode";
    forgot_back: "Back to sign-in", "Zur\u{fc}ck zur Anmeldung";
    forgot_done_title: "Help is on its way", "Hilfe ist unterwegs";
    forgot_done_what(address):
        "If {address} has a mailbox here:",
        "Wenn es zu {address} hier ein Postfach gibt:";
    forgot_done_recovery:
        "With a recovery address, a link goes there. It is good for 30 minutes.",
        "Mit einer Wiederherstellungsadresse geht dorthin ein Link. Er gilt 30 Minuten.";
    forgot_done_mailbox:
        "Without one, the link goes to the mailbox itself, while its mail server is up.",
        "Ohne eine solche geht der Link an das Postfach selbst, solange dessen Mailserver l\u{e4}uft.";
    forgot_done_admins:
        "While the server is down, your administrators are asked instead. They can give you a one-time code.",
        "Steht der Server, werden stattdessen Ihre Administratoren gefragt. Sie k\u{f6}nnen Ihnen einen Einmalcode geben.";

    step_title: "Second step", "Zweiter Schritt";
    step_lead:
        "Enter the code of your authenticator app, or a recovery code.",
        "Geben Sie den Code Ihrer Authenticator-App oder einen Wiederherstellungscode ein.";
    step_code: "Code", "Code";
    step_wrong:
        "That code is not right, or was used already.",
        "Dieser Code stimmt nicht oder wurde schon benutzt.";
    step_over:
        "This sign-in took too long. Please begin again.",
        "Diese Anmeldung hat zu lange gedauert. Bitte beginnen Sie noch einmal.";
    step_lost:
        "Device and recovery codes lost? An administrator of your organisation can switch the second step off.",
        "Ger\u{e4}t und Wiederherstellungscodes verloren? Ein Administrator Ihrer Organisation kann den zweiten Schritt abschalten.";

    password_title: "Password", "Passwort";
    password_current: "Your present password", "Ihr jetziges Passwort";
    password_change: "Change password", "Passwort \u{e4}ndern";
    password_ends: "All other devices are signed out.", "Alle anderen Ger\u{e4}te werden abgemeldet.";
    fault_present: "That is not your present password.", "Das ist nicht Ihr jetziges Passwort.";
    fault_code: "That code is not right, or was used already.", "Dieser Code stimmt nicht oder wurde schon benutzt.";
    factor_title: "Second step at sign-in", "Zweiter Schritt bei der Anmeldung";
    factor_off: "Off. The password alone is enough.", "Aus. Das Passwort allein gen\u{fc}gt.";
    factor_on(since): "On since {since}.", "Ein seit {since}.";
    factor_codes_left(count): "Recovery codes left: {count}", "Wiederherstellungscodes \u{fc}brig: {count}";
    factor_set_up: "Set up", "Einrichten";
    factor_switch_off: "Switch off", "Abschalten";
    factor_new_codes: "Make new recovery codes", "Neue Wiederherstellungscodes erzeugen";
    factor_new_codes_hint: "The old ones are worthless then.", "Die alten gelten dann nicht mehr.";
    setup_title: "Set up the second step", "Zweiten Schritt einrichten";
    setup_scan:
        "Scan this picture with an authenticator app, or type the key below it.",
        "Scannen Sie dieses Bild mit einer Authenticator-App, oder tippen Sie den Schl\u{fc}ssel darunter ab.";
    setup_picture: "QR code with the key", "QR-Code mit dem Schl\u{fc}ssel";
    setup_key: "Key", "Schl\u{fc}ssel";
    setup_code: "Code that the app shows", "Code, den die App zeigt";
    setup_on: "Switch on", "Einschalten";
    codes_title: "Your recovery codes", "Ihre Wiederherstellungscodes";
    codes_lead:
        "Each opens once when you do not have your device. Print them or write them down: they are not shown again.",
        "Jeder \u{f6}ffnet einmal, wenn Sie Ihr Ger\u{e4}t nicht haben. Drucken Sie sie aus, oder schreiben Sie sie auf: Sie werden nicht noch einmal gezeigt.";
    codes_kept: "I have kept them", "Ich habe sie aufbewahrt";
}
