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

    passkeys_title: "Passkeys", "Passkeys";
    passkeys_lead:
        "A passkey on your phone, computer or security key opens your mailbox with a fingerprint, your face or a PIN, instead of password and second step.",
        "Ein Passkey auf Ihrem Telefon, Rechner oder Sicherheitsschl\u{fc}ssel \u{f6}ffnet Ihr Postfach mit Fingerabdruck, Gesicht oder PIN, anstelle von Passwort und zweitem Schritt.";
    passkeys_count(count): "Passkeys: {count}", "Passkeys: {count}";
    passkeys_manage: "Manage passkeys", "Passkeys verwalten";
    passkeys_back: "Back to security", "Zur\u{fc}ck zur Sicherheit";
    passkeys_none: "You have none yet.", "Sie haben noch keinen.";
    passkeys_full: "No more can be added. Remove one first.", "Mehr lassen sich nicht hinzuf\u{fc}gen. Entfernen Sie zuerst einen.";
    passkey_created(when): "Added {when}.", "Hinzugef\u{fc}gt {when}.";
    passkey_used(when): "Last used {when}.", "Zuletzt benutzt {when}.";
    passkey_never: "Not used yet.", "Noch nicht benutzt.";
    passkey_name: "Name", "Name";
    passkey_name_hint: "So that you know it again, for example \u{201c}My phone\u{201d}.", "Damit Sie ihn wiedererkennen, zum Beispiel \u{201e}Mein Telefon\u{201c}.";
    passkey_rename: "Rename", "Umbenennen";
    passkey_remove: "Remove", "Entfernen";
    passkey_add_title: "Add a passkey", "Passkey hinzuf\u{fc}gen";
    passkey_add: "Create passkey", "Passkey erzeugen";
    passkey_add_ends: "All other devices are signed out.", "Alle anderen Ger\u{e4}te werden abgemeldet.";
    passkey_needs_script:
        "Your browser offers no passkeys here. They need JavaScript and a browser that knows them.",
        "Ihr Browser bietet hier keine Passkeys an. Sie brauchen JavaScript und einen Browser, der sie kennt.";
    passkey_prove_title: "First, is it you?", "Zuerst: Sind Sie es?";
    passkey_prove_lead:
        "Whoever has a passkey can read this mailbox. So please prove once more who you are.",
        "Wer einen Passkey hat, kann dieses Postfach lesen. Bitte weisen Sie sich deshalb noch einmal aus.";
    passkey_prove: "Continue", "Weiter";
    passkey_fault:
        "The passkey was not added. Please try again.",
        "Der Passkey wurde nicht hinzugef\u{fc}gt. Bitte versuchen Sie es noch einmal.";
    passkey_fault_known: "This passkey is there already.", "Diesen Passkey gibt es hier schon.";
    passkey_fault_late:
        "That took too long. Please try again.",
        "Das hat zu lange gedauert. Bitte versuchen Sie es noch einmal.";
    passkey_sign_in: "Sign in with a passkey", "Mit einem Passkey anmelden";
    passkey_failed:
        "That did not work. Try again, or use your password.",
        "Das hat nicht geklappt. Versuchen Sie es noch einmal, oder benutzen Sie Ihr Passwort.";
}
