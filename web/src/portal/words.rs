//! What the portal says, in every language.

use crate::language::catalogue;

catalogue! {
    skip: "Skip to content", "Zum Inhalt";
    more: "More", "Mehr";
    sign_in: "Sign in", "Anmelden";
    sign_out: "Sign out", "Abmelden";
    sign_in_lead:
        "Your mail of the last days, also while your own mail server is down.",
        "Ihre Mail der letzten Tage, auch wenn Ihr eigener Mailserver steht.";
    sign_in_failed: "That did not work.", "Das hat nicht geklappt.";
    sign_in_failed_hint:
        "Check address and password. Use the address of your mailbox, not another address of it.",
        "Bitte Adresse und Passwort pr\u{fc}fen. Es gilt die Adresse des Postfachs, keine weitere Adresse davon.";
    address: "Email address", "E-Mail-Adresse";
    password: "Password", "Passwort";
    cannot_sign_in:
        "I have no password yet, or forgot it",
        "Ich habe noch kein Passwort oder habe es vergessen";
    alias_title: "This address has no mailbox of its own", "Diese Adresse hat kein eigenes Postfach";
    alias_what(alias, parent):
        "Mail to {alias} arrives in the mailbox {parent}. Sign in with that address and the same password.",
        "Mail an {alias} kommt im Postfach {parent} an. Melden Sie sich mit dieser Adresse und demselben Passwort an.";
    alias_todo(parent): "Sign in as {parent}", "Als {parent} anmelden";

    nav_label: "Places", "Bereiche";
    nav_status: "Server status", "Serverstatus";
    nav_settings: "Settings", "Einstellungen";
    nav_help: "Help", "Hilfe";
    to_start: "Go to the start page", "Zur Startseite";

    flash_saved: "Saved.", "Gespeichert.";
    flash_signed_out: "You are signed out.", "Sie sind abgemeldet.";
    flash_password_set:
        "Your password is set. Sign in with it.",
        "Ihr Passwort ist gesetzt. Melden Sie sich damit an.";
    flash_undone: "Taken back.", "R\u{fc}ckg\u{e4}ngig gemacht.";
    flash_too_late: "That cannot be taken back any more.", "Das l\u{e4}sst sich nicht mehr r\u{fc}ckg\u{e4}ngig machen.";
    new_mail: "There is new mail: show it", "Es gibt neue Mail: anzeigen";
    not_live: "The connection was interrupted. Reload the page for what is new.", "Die Verbindung ist unterbrochen. Laden Sie die Seite neu, um Neues zu sehen.";
    nav_write: "Write", "Schreiben";
    nav_drafts: "Drafts", "Entw\u{fc}rfe";
    nav_outbox: "Outbox", "Postausgang";
    flash_discarded: "Draft discarded.", "Entwurf verworfen.";
    flash_draft_saved: "Draft saved.", "Entwurf gespeichert.";
    flash_sending: "Message on its way.", "Nachricht unterwegs.";
    flash_stopped: "Stopped. The message is a draft again.", "Angehalten. Die Nachricht ist wieder ein Entwurf.";
    flash_nothing_selected: "Select messages first.", "W\u{e4}hlen Sie zuerst Nachrichten aus.";
    undo: "Undo", "R\u{fc}ckg\u{e4}ngig";
    unread: "unread", "ungelesen";
    flash_session_ended: "That device is signed out.", "Das Ger\u{e4}t ist abgemeldet.";

    settings_reading: "Reading", "Lesen";
    settings_writing: "Writing", "Schreiben";
    settings_security: "Security", "Sicherheit";
    settings_export: "Export", "Export";
    settings_sessions: "Devices", "Ger\u{e4}te";
    save: "Save", "Speichern";
    language_label: "Language", "Sprache";
    language_auto: "As my browser asks", "Wie mein Browser es w\u{fc}nscht";
    mark_read_label: "Mark a message as read", "Nachricht als gelesen markieren";
    mark_read_open: "When I open it", "Wenn ich sie \u{f6}ffne";
    mark_read_delay: "Three seconds after I opened it", "Drei Sekunden nach dem \u{d6}ffnen";
    mark_read_never: "Only when I say so", "Nur wenn ich es sage";
    show_label: "Display", "Anzeige";
    show_conversations: "Show messages of one conversation together", "Nachrichten einer Unterhaltung zusammen zeigen";
    show_dark_mail: "Show mail in dark colours, too, when the page is dark", "Auch Mail dunkel zeigen, wenn die Seite dunkel ist";
    show_keys: "Single keys do something (press ? for a list)", "Einzelne Tasten haben eine Wirkung (? zeigt eine Liste)";
    read_state_stays:
        "What you read here shows as new in your normal mailbox when your server is back.",
        "Was Sie hier lesen, erscheint in Ihrem normalen Postfach als neu, sobald Ihr Server zur\u{fc}ck ist.";
    display_name: "Your name, as others see it", "Ihr Name, wie andere ihn sehen";
    signature: "Signature", "Signatur";
    undo_label: "Time to undo sending", "Zeit, um das Senden zur\u{fc}ckzunehmen";
    undo_never: "None", "Keine";
    undo_seconds(seconds): "{seconds} seconds", "{seconds} Sekunden";
    sessions_lead: "Where you are signed in.", "Wo Sie angemeldet sind.";
    this_session: "this device", "dieses Ger\u{e4}t";
    unknown_browser: "Unknown browser", "Unbekannter Browser";
    session_from(address, since, seen):
        "From {address}, since {since}, last active {seen}",
        "Von {address}, seit {since}, zuletzt aktiv {seen}";
    sign_out_others: "Sign out all other devices", "Alle anderen Ger\u{e4}te abmelden";

    enroll_title: "Set your password", "Passwort setzen";
    reset_title: "Set a new password", "Neues Passwort setzen";
    code: "One-time code", "Einmalcode";
    code_hint: "16 letters and digits, from your administrator", "16 Buchstaben und Ziffern, von Ihrem Administrator";
    set_password: "Set password", "Passwort setzen";
    new_password: "New password", "Neues Passwort";
    new_password_hint:
        "At least 12 characters. Four unrelated words are good.",
        "Mindestens 12 Zeichen. Vier W\u{f6}rter ohne Zusammenhang sind gut.";
    new_password_again: "New password, again", "Neues Passwort, noch einmal";
    fault_code:
        "This code is wrong, was used, or is too old. Ask your administrator for a new one.",
        "Dieser Code ist falsch, schon benutzt oder zu alt. Bitten Sie Ihren Administrator um einen neuen.";
    fault_differ: "The two passwords differ.", "Die beiden Passw\u{f6}rter sind verschieden.";
    fault_too_short: "The password needs at least 12 characters.", "Das Passwort braucht mindestens 12 Zeichen.";
    fault_too_long: "The password has more than 256 characters.", "Das Passwort hat mehr als 256 Zeichen.";
    fault_unprintable: "The password contains a character that cannot be typed everywhere.", "Das Passwort enth\u{e4}lt ein Zeichen, das sich nicht \u{fc}berall tippen l\u{e4}sst.";
    fault_guessable:
        "This password is easy to guess. Four unrelated words are better.",
        "Dieses Passwort ist leicht zu erraten. Vier W\u{f6}rter ohne Zusammenhang sind besser.";

    state_normal: "Your mail server is up.", "Ihr Mailserver l\u{e4}uft.";
    state_outage: "Your mail server is down.", "Ihr Mailserver ist nicht erreichbar.";
    state_outage_since(since):
        "Your mail server has been down since {since}.",
        "Ihr Mailserver ist seit {since} nicht erreichbar.";
    state_draining: "Your mail server is back.", "Ihr Mailserver ist zur\u{fc}ck.";
    state_planned:
        "Delivery is paused for planned work.",
        "Die Zustellung ruht wegen geplanter Arbeiten.";
    state_planned_since(since):
        "Delivery has been paused for planned work since {since}.",
        "Die Zustellung ruht seit {since} wegen geplanter Arbeiten.";
    state_draining_percent(percent):
        "Your mail server is back: {percent} % of what was kept has been passed on.",
        "Ihr Mailserver ist zur\u{fc}ck: {percent} % des Aufbewahrten sind zugestellt.";
    state_back(since):
        "Your mail server is back, and all mail has been passed on since {since}.",
        "Ihr Mailserver ist zur\u{fc}ck, und seit {since} ist alle Mail zugestellt.";
    meaning_back:
        "You can use your normal mailbox again. It shows what came meanwhile as new.",
        "Sie k\u{f6}nnen wieder Ihr normales Postfach benutzen. Was inzwischen kam, erscheint dort als neu.";
    storage_full: "The storage is full.", "Der Speicher ist voll.";
    storage_full_meaning:
        "You can read and search everything here, but not write. Nothing is lost: new mail waits with its senders until there is room.",
        "Sie k\u{f6}nnen hier alles lesen und durchsuchen, aber nichts schreiben. Nichts geht verloren: Neue Mail wartet bei ihren Absendern, bis wieder Platz ist.";
    status_back:
        "The outage is over. Mail is passed on as it comes; what you wrote here during the outage is in your normal mailbox too.",
        "Die St\u{f6}rung ist vorbei. Mail wird sofort zugestellt; was Sie hier geschrieben haben, liegt auch in Ihrem normalen Postfach.";
    status_history: "The last 30 days", "Die letzten 30 Tage";
    status_no_outage: "No outage. Mail was passed on as it came.", "Keine St\u{f6}rung. Mail wurde sofort zugestellt.";
    outage_kind: "Outage", "St\u{f6}rung";
    outage_planned: "Planned work", "Geplante Arbeiten";
    outage_lasted: "Lasted", "Dauer";
    outage_back: "Server back", "Server zur\u{fc}ck";
    outage_drained: "All mail passed on", "Alle Mail zugestellt";
    outage_held: "Messages kept at most", "Aufbewahrt h\u{f6}chstens";
    outage_wait: "Longest wait", "L\u{e4}ngste Wartezeit";
    outage_not_yet: "not yet", "noch nicht";
    outage_meaning:
        "Whatever came in during these times was kept here and delivered afterwards. Nobody who wrote to you got an error.",
        "Was in diesen Zeiten kam, wurde hier aufbewahrt und danach zugestellt. Niemand, der Ihnen schrieb, bekam eine Fehlermeldung.";
    meaning_waiting(count):
        "{count} messages are kept here and will be passed on.",
        "{count} Nachrichten werden hier aufbewahrt und sp\u{e4}ter zugestellt.";
    meaning_one_waits:
        "One message is kept here and will be passed on.",
        "Eine Nachricht wird hier aufbewahrt und sp\u{e4}ter zugestellt.";
    meaning_one_draining:
        "One message is still on its way.",
        "Eine Nachricht ist noch unterwegs.";
    meaning_nothing_waits:
        "New mail will be kept here and passed on.",
        "Neue Mail wird hier aufbewahrt und sp\u{e4}ter zugestellt.";
    meaning_draining(count):
        "{count} messages are still on their way.",
        "{count} Nachrichten sind noch unterwegs.";
    meaning_draining_left(count, minutes):
        "{count} messages are still on their way, for about {minutes} min.",
        "{count} Nachrichten sind noch etwa {minutes} min unterwegs.";
    status_normal:
        "Mail is passed on as it comes. What you see here is a copy; nothing you do here changes your normal mailbox.",
        "Mail wird sofort zugestellt. Hier sehen Sie eine Kopie; was Sie hier tun, \u{e4}ndert nichts an Ihrem normalen Postfach.";
    status_outage:
        "New mail arrives here and you can read and answer it here. Nothing is lost: all of it is passed on when your server is back.",
        "Neue Mail kommt hier an, und Sie k\u{f6}nnen sie hier lesen und beantworten. Nichts geht verloren: Alles wird zugestellt, sobald Ihr Server zur\u{fc}ck ist.";
    status_draining:
        "What was kept is being passed on, newest mail along with it. Your normal mailbox will show these messages as new.",
        "Das Aufbewahrte wird gerade zugestellt, neue Mail gleich mit. In Ihrem normalen Postfach erscheinen diese Nachrichten als neu.";
    status_planned:
        "Somebody is working on your mail server. New mail arrives here meanwhile and is passed on afterwards.",
        "Jemand arbeitet an Ihrem Mailserver. Neue Mail kommt solange hier an und wird danach zugestellt.";
    status_domain: "Domain", "Domain";
    status_waiting: "Messages waiting for your server", "Nachrichten, die auf Ihren Server warten";

    try_again_in(seconds): "Try again in {seconds} seconds.", "In {seconds} Sekunden geht es wieder.";
    error_reference(id): "Reference for your administrator: {id}", "Kennung f\u{fc}r Ihren Administrator: {id}";
    malformed_title: "That request makes no sense here", "Diese Anfrage ergibt hier keinen Sinn";
    malformed_what: "Nothing was changed.", "Es wurde nichts ge\u{e4}ndert.";
    malformed_todo:
        "Go back and try again. If it happens again, tell your administrator how you got here.",
        "Gehen Sie zur\u{fc}ck und versuchen Sie es erneut. Sagen Sie sonst Ihrem Administrator, wie Sie hierher gekommen sind.";
    foreign_title: "That form was too old", "Dieses Formular war zu alt";
    foreign_what:
        "It was not sent from a page of this session, so nothing was changed.",
        "Es kam nicht von einer Seite dieser Sitzung, deshalb wurde nichts ge\u{e4}ndert.";
    foreign_todo:
        "Go back, reload the page and send the form again.",
        "Gehen Sie zur\u{fc}ck, laden Sie die Seite neu und senden Sie das Formular noch einmal.";
    not_found_title: "There is nothing here", "Hier ist nichts";
    not_found_what:
        "The link is wrong, or what it led to has been deleted.",
        "Der Link ist falsch, oder das Ziel wurde gel\u{f6}scht.";
    not_found_todo: "Your mail is on the start page.", "Ihre Mail finden Sie auf der Startseite.";
    gone_title: "This is no longer kept", "Das wird nicht mehr aufbewahrt";
    gone_what:
        "This site keeps mail for a number of days. The time of this message or link is over.",
        "Diese Seite bewahrt Mail einige Tage auf. Die Zeit dieser Nachricht oder dieses Links ist um.";
    gone_todo:
        "Older mail is in your normal mailbox.",
        "\u{c4}ltere Mail liegt in Ihrem normalen Postfach.";
    too_large_title: "That is too large", "Das ist zu gro\u{df}";
    too_large_what:
        "What you sent is larger than this page takes. Nothing was changed.",
        "Was Sie gesendet haben, ist gr\u{f6}\u{df}er als erlaubt. Es wurde nichts ge\u{e4}ndert.";
    too_large_todo: "Go back and send less.", "Gehen Sie zur\u{fc}ck und senden Sie weniger.";
    other_host_title: "This is not the right address", "Das ist nicht die richtige Adresse";
    other_host_what:
        "This site does not answer under the name in your address bar.",
        "Unter dem Namen in Ihrer Adresszeile antwortet diese Seite nicht.";
    other_host_todo:
        "Ask your administrator for the address of the mail portal.",
        "Fragen Sie Ihren Administrator nach der Adresse des Mailportals.";
    too_many_title: "One moment, please", "Einen Moment, bitte";
    too_many_what:
        "There were too many failed tries. Your account is not locked.",
        "Es gab zu viele Fehlversuche. Ihr Konto ist nicht gesperrt.";
    too_many_todo: "Try again shortly.", "Versuchen Sie es gleich noch einmal.";
    busy_title: "Many people are here right now", "Gerade sind viele hier";
    busy_what:
        "Your mail is safe. This page will work again in a moment.",
        "Ihre Mail ist sicher. Diese Seite geht gleich wieder.";
    busy_todo: "Try again in a few seconds.", "Versuchen Sie es in ein paar Sekunden noch einmal.";
    broken_title: "Something here is broken", "Hier ist etwas kaputt";
    broken_what:
        "It is our fault, not yours. Your mail is not affected.",
        "Es liegt an uns, nicht an Ihnen. Ihre Mail ist nicht betroffen.";
    broken_todo:
        "Try again. If it happens again, give your administrator the reference below.",
        "Versuchen Sie es erneut. Nennen Sie sonst Ihrem Administrator die Kennung unten.";

    help_what_title: "What you find here", "Was Sie hier finden";
    help_what:
        "A copy of the mail of the last days, and everything new, also while your own mail server is down. Reading, filing or deleting here changes nothing in your normal mailbox.",
        "Eine Kopie der Mail der letzten Tage und alles Neue, auch wenn Ihr eigener Mailserver steht. Lesen, Ablegen oder L\u{f6}schen hier \u{e4}ndert nichts an Ihrem normalen Postfach.";
    help_sign_in_title: "If you cannot sign in", "Wenn Sie sich nicht anmelden k\u{f6}nnen";
    help_sign_in:
        "Sign in with the address of your mailbox and the password for this site. If you have none, ask an administrator of your organisation for a one-time code, or use the link below the form.",
        "Melden Sie sich mit der Adresse Ihres Postfachs und dem Passwort f\u{fc}r diese Seite an. Wenn Sie keines haben, bitten Sie einen Administrator Ihrer Organisation um einen Einmalcode, oder benutzen Sie den Link unter dem Formular.";
    help_back_title: "When your server is back", "Wenn Ihr Server zur\u{fc}ck ist";
    help_back:
        "Everything that was kept is passed on by itself, and what you wrote here is delivered. Your normal mailbox shows mail that you have read here as new.",
        "Alles Aufbewahrte wird von selbst zugestellt, auch was Sie hier geschrieben haben. In Ihrem normalen Postfach erscheint hier Gelesenes als neu.";
}
