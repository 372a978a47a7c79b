//! What the letters say, in every language.

use crate::language::catalogue;

catalogue! {
    link_subject: "Set a new password for the mail portal", "Neues Passwort f\u{fc}r das Mailportal";
    link_text(mailbox, url, minutes):
        "Somebody, probably you, wants to set a new password for the mail portal of {mailbox}.\n\nOpen this link within {minutes} minutes:\n\n{url}\n\nIf it was not you, do nothing: your password stays as it is.\n",
        "Jemand, wahrscheinlich Sie, m\u{f6}chte ein neues Passwort f\u{fc}r das Mailportal von {mailbox} setzen.\n\n\u{d6}ffnen Sie dazu innerhalb von {minutes} Minuten diesen Link:\n\n{url}\n\nWenn Sie das nicht waren, tun Sie nichts: Ihr Passwort bleibt, wie es ist.\n";
    set_subject: "Your password for the mail portal was set", "Ihr Passwort f\u{fc}r das Mailportal wurde gesetzt";
    set_text(mailbox, portal):
        "The password for the mail portal of {mailbox} has just been set, and every device was signed out.\n\nIf it was not you, tell your administrator, or set another one at {portal}/forgot\n",
        "Das Passwort f\u{fc}r das Mailportal von {mailbox} wurde gerade gesetzt, und alle Ger\u{e4}te wurden abgemeldet.\n\nWenn Sie das nicht waren, sagen Sie es Ihrem Administrator, oder setzen Sie ein anderes: {portal}/forgot\n";
    factor_off_subject: "Your second factor was switched off", "Ihr zweiter Faktor wurde abgeschaltet";
    factor_off_text(mailbox, portal):
        "An administrator has switched off the second factor for the mail portal of {mailbox}. The password alone is enough now.\n\nSwitch it on again at {portal}/settings/security\n",
        "Ein Administrator hat den zweiten Faktor f\u{fc}r das Mailportal von {mailbox} abgeschaltet. Jetzt gen\u{fc}gt das Passwort allein.\n\nSie k\u{f6}nnen ihn hier wieder einschalten: {portal}/settings/security\n";
    asked_subject(mailbox): "{mailbox} cannot sign in", "{mailbox} kann sich nicht anmelden";
    asked_text(mailbox, admin):
        "{mailbox} cannot sign in to the mail portal and asks for help: there is no recovery address, and the mail server is down.\n\nMake sure that it is this person who asks, then make a one-time code:\n\n{admin}/people\n",
        "{mailbox} kann sich nicht am Mailportal anmelden und bittet um Hilfe: Es gibt keine Wiederherstellungsadresse, und der Mailserver steht.\n\nVergewissern Sie sich, dass es diese Person ist, die fragt, und erzeugen Sie dann einen Einmalcode:\n\n{admin}/people\n";
}
