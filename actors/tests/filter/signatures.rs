//! DKIM (RFC 6376, RFC 8301, RFC 8463), ARC (RFC 8617) and DMARC (RFC 9989), branch by branch.

use mail_auth::dkim::Canonicalization::{Relaxed, Simple};
use storage::model::{AuthResult, DmarcPolicy, Timestamp};

use crate::dns::zone::Zone;
use crate::signed::{MESSAGE, SignAs, Signer, evaluate, evaluate_at, sign_rsa};

/// A key of 512 bits, which nobody may use (RFC 8301).
const WEAK: &str = "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALDGKG+B2yEL+4h3gaFsDk9FBMLvrWe94xM0yaKI/V70TxB1H6XbR2kzKjuVQ3kK+hGGFt0AMH647c1gq2wyc00CAwEAAQ==";

const KEY: &str = "s._domainkey.far.example";

fn zone(record: &str) -> Zone {
    let mut zone = Zone::default();
    zone.txt(KEY, record);
    zone
}

async fn dkim(zone: &Zone, message: &str) -> (AuthResult, Option<String>) {
    let found = evaluate(zone, "ann@far.example", message).await;
    assert_eq!(found.dkim.len(), 1, "{:?}", found.dkim);
    (found.dkim[0].result, found.dkim[0].reason.clone())
}

#[tokio::test]
async fn dkim_passes_in_every_canonicalisation_and_whatever_it_tolerates() {
    let signer = Signer::new();
    let zone = zone(&signer.record);
    for (header, body) in [
        (Relaxed, Relaxed),
        (Relaxed, Simple),
        (Simple, Relaxed),
        (Simple, Simple),
    ] {
        let as_ = SignAs {
            header,
            body,
            ..SignAs::default()
        };
        let signed = signer.sign(MESSAGE, "far.example", &as_);
        assert_eq!(
            dkim(&zone, &signed).await,
            (AuthResult::Pass, None),
            "{header:?} {body:?}"
        );
        let folded = signed.replace("To:  alice", "TO: alice");
        let expected = if header == Relaxed {
            AuthResult::Pass
        } else {
            AuthResult::Fail
        };
        assert_eq!(dkim(&zone, &folded).await.0, expected, "{header:?} header");
        let spaced = signed.replace("One  line \r\n", "One line\r\n");
        let expected = if body == Relaxed {
            AuthResult::Pass
        } else {
            AuthResult::Fail
        };
        assert_eq!(dkim(&zone, &spaced).await.0, expected, "{body:?} body");
        let trailing = format!("{signed}\r\n\r\n");
        assert_eq!(
            dkim(&zone, &trailing).await.0,
            AuthResult::Pass,
            "lines at the end"
        );
        let changed = signed.replace("another", "an other");
        let (result, reason) = dkim(&zone, &changed).await;
        assert_eq!(
            (result, reason.as_deref()),
            (AuthResult::Fail, Some("the body was changed"))
        );
        let forged = signed.replace("Subject: two", "Subject: three");
        assert_eq!(dkim(&zone, &forged).await.0, AuthResult::Fail);
    }
}

#[tokio::test]
async fn dkim_keys_decide() {
    let signer = Signer::new();
    let signed = signer.sign(MESSAGE, "far.example", &SignAs::default());
    let public = signer.record.rsplit_once("p=").unwrap().1;
    for (record, expected) in [
        (signer.record.clone(), AuthResult::Pass),
        (format!("k=ed25519; p={public}"), AuthResult::Pass),
        (
            format!("v=DKIM1; k=ed25519; s=*; h=sha256:x; t=y; n=note; p={public}"),
            AuthResult::Pass,
        ),
        (
            format!("v=DKIM1; k=ed25519; s=tlsrpt; p={public}"),
            AuthResult::PermError,
        ),
        (
            format!("v=DKIM1; k=ed25519; h=sha1; p={public}"),
            AuthResult::PermError,
        ),
        (
            format!("v=DKIM2; k=ed25519; p={public}"),
            AuthResult::PermError,
        ),
        (format!("v=DKIM1; k=dsa; p={public}"), AuthResult::PermError),
        (format!("v=DKIM1; p={public}"), AuthResult::PermError),
        ("v=DKIM1; k=ed25519; p=".to_owned(), AuthResult::PermError),
        ("v=DKIM1; k=ed25519".to_owned(), AuthResult::PermError),
        ("rubbish".to_owned(), AuthResult::PermError),
        (Signer::new().record, AuthResult::Fail),
    ] {
        let found = dkim(&zone(&record), &signed).await;
        assert_eq!(found.0, expected, "{record}: {found:?}");
    }
    let (missing, why) = dkim(&Zone::default(), &signed).await;
    assert_eq!(
        (missing, why.as_deref()),
        (AuthResult::PermError, Some("there is no key"))
    );
    let mut dead = Zone::default();
    dead.kill(KEY);
    assert_eq!(dkim(&dead, &signed).await.0, AuthResult::TempError);
}

#[tokio::test]
async fn dkim_rsa_passes_and_weak_keys_do_not() {
    let (signed, record) = sign_rsa(MESSAGE, "far.example");
    assert_eq!(
        dkim(&zone(&record), &signed).await,
        (AuthResult::Pass, None)
    );
    let (result, why) = dkim(&zone(WEAK), &signed).await;
    assert_eq!(result, AuthResult::PermError);
    assert!(why.unwrap().contains("1024 bits"));
    let (result, why) = dkim(
        &zone(&record),
        &signed.replace("a=rsa-sha256", "a=rsa-sha1"),
    )
    .await;
    assert_eq!(result, AuthResult::PermError);
    assert!(why.unwrap().contains("SHA-1"));
}

#[tokio::test]
async fn dkim_signatures_that_say_too_little_are_none() {
    let signer = Signer::new();
    let zone = zone(&signer.record);
    let sign = |change: SignAs| signer.sign(MESSAGE, "far.example", &change);
    let length = sign(SignAs {
        length: true,
        ..SignAs::default()
    });
    assert_eq!(dkim(&zone, &length).await.0, AuthResult::Policy);
    let without_from = sign(SignAs {
        headers: vec!["To", "Subject"],
        ..SignAs::default()
    });
    assert_eq!(dkim(&zone, &without_from).await.0, AuthResult::PermError);
    let stranger = sign(SignAs {
        identity: Some("@else.example"),
        ..SignAs::default()
    });
    assert_eq!(dkim(&zone, &stranger).await.0, AuthResult::Fail);
    let below = sign(SignAs {
        identity: Some("ann@sub.far.example"),
        ..SignAs::default()
    });
    assert_eq!(dkim(&zone, &below).await.0, AuthResult::Pass);
    let strict = format!("{}; t=s", signer.record);
    let mut strict_zone = Zone::default();
    strict_zone.txt(KEY, strict);
    assert_eq!(dkim(&strict_zone, &below).await.0, AuthResult::Fail);
    for broken in [
        "DKIM-Signature: v=1; a=rsa-sha256\r\n",
        "DKIM-Signature: \r\n",
        "DKIM-Signature: v=9; d=x\r\n",
    ] {
        let message = format!("{broken}{MESSAGE}");
        let found = evaluate(&zone, "ann@far.example", &message).await.dkim;
        let passes = found.iter().any(|one| one.result == AuthResult::Pass);
        assert!(!passes, "{broken}: {found:?}");
    }
}

#[tokio::test]
async fn dkim_a_field_signed_as_absent_must_stay_absent() {
    let signer = Signer::new();
    let zone = zone(&signer.record);
    let oversigned = SignAs {
        headers: vec!["From", "To", "Subject", "Reply-To"],
        ..SignAs::default()
    };
    let signed = signer.sign(MESSAGE, "far.example", &oversigned);
    assert_eq!(dkim(&zone, &signed).await.0, AuthResult::Pass);
    let added = signed.replace("To:  alice", "Reply-To: eve@evil.example\r\nTo:  alice");
    assert_eq!(dkim(&zone, &added).await.0, AuthResult::Fail);
}

/// Expiry follows the node's clock, not the machine's.
#[tokio::test]
async fn dkim_signatures_expire() {
    let signer = Signer::new();
    let zone = zone(&signer.record);
    let change = SignAs {
        expiration: 3_600,
        ..SignAs::default()
    };
    let signed = signer.sign(MESSAGE, "far.example", &change);
    let made = signed.split("t=").nth(1).unwrap();
    let made: u64 = made.split(';').next().unwrap().trim().parse().unwrap();
    for (after, expected) in [
        (0, AuthResult::Pass),
        (3_599, AuthResult::Pass),
        (3_600, AuthResult::Fail),
    ] {
        let now = Timestamp::from_secs(made + after);
        let found = evaluate_at(&zone, "ann@far.example", &signed, now).await;
        assert_eq!(found.dkim[0].result, expected, "{after}");
    }
}

#[tokio::test]
async fn q21_no_message_makes_more_than_ten_signatures_verified() {
    let signer = Signer::new();
    let mut message = MESSAGE.to_owned();
    let mut zone = Zone::default();
    for n in 0..30 {
        let domain = format!("d{n}.example");
        message = signer.sign(&message, &domain, &SignAs::default());
        zone.txt(&format!("s._domainkey.{domain}"), signer.record.clone());
    }
    let found = evaluate(&zone, "ann@far.example", &message).await;
    assert_eq!(found.dkim.len(), 10);
    let keys = zone
        .asked()
        .iter()
        .filter(|name| name.contains("_domainkey"))
        .count();
    assert!(keys <= 20, "{keys}");
}

#[tokio::test]
async fn arc_chains_pass_and_break() {
    let signer = Signer::new();
    let mut zone = Zone::default();
    for domain in ["one.example", "two.example"] {
        zone.txt(&format!("s._domainkey.{domain}"), signer.record.clone());
    }
    let one = signer.seal(MESSAGE, "one.example");
    let two = signer.seal(&one, "two.example");
    let arc = async |message: &str| {
        let found = evaluate(&zone, "ann@far.example", message).await;
        (found.arc.result, found.arc.sets, found.arc.sealer)
    };
    assert_eq!(arc(MESSAGE).await, (AuthResult::None, 0, String::new()));
    assert_eq!(
        arc(&one).await,
        (AuthResult::Pass, 1, "one.example".to_owned())
    );
    assert_eq!(
        arc(&two).await,
        (AuthResult::Pass, 2, "two.example".to_owned())
    );
    for (what, broken) in [
        ("body", two.replace("another", "an other")),
        (
            "signed field",
            two.replace("Subject: two", "Subject: three"),
        ),
        ("cv=fail", two.replace("cv=pass", "cv=fail")),
        ("first cv=pass", one.replace("cv=none", "cv=pass")),
        ("gap", one.replace("i=1", "i=2")),
        ("no results", without(&one, "ARC-Authentication-Results")),
        ("no signature", without(&one, "ARC-Message-Signature")),
        ("no seal", without(&one, "ARC-Seal")),
        (
            "only the second",
            two.replace(&one[..one.find("From:").unwrap()], ""),
        ),
        (
            "results changed",
            two.replace(
                "ARC-Authentication-Results: i=1;",
                "ARC-Authentication-Results: i=1; x;",
            ),
        ),
    ] {
        let found = arc(&broken).await;
        assert_eq!(found.0, AuthResult::Fail, "{what}: {found:?}\n{broken}");
    }
    let mut dead = zone.clone();
    dead.kill("s._domainkey.one.example");
    let found = evaluate(&dead, "ann@far.example", &two).await;
    assert_eq!(found.arc.result, AuthResult::TempError);
}

fn without(message: &str, name: &str) -> String {
    let mut kept = String::new();
    let mut skips = false;
    for line in message.split_inclusive("\r\n") {
        if !line.starts_with([' ', '\t']) {
            skips = line.starts_with(name);
        }
        if !skips {
            kept.push_str(line);
        }
    }
    kept
}

/// Policy record, SPF record of the envelope's domain, envelope, signing domain → result, wish.
type DmarcRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    AuthResult,
    DmarcPolicy,
);

const DMARC: &[DmarcRow] = {
    use AuthResult::{Fail, None as Nothing, Pass};
    use DmarcPolicy::{None, Quarantine, Reject};
    const OPEN: &str = "v=spf1 +all";
    const SHUT: &str = "v=spf1 -all";
    &[
        ("", OPEN, "ann@far.example", "", Nothing, None),
        (
            "v=DMARC1; p=reject",
            OPEN,
            "ann@far.example",
            "",
            Pass,
            Reject,
        ),
        (
            "v=DMARC1; p=reject",
            SHUT,
            "ann@far.example",
            "",
            Fail,
            Reject,
        ),
        (
            "v=DMARC1; p=quarantine",
            SHUT,
            "ann@far.example",
            "",
            Fail,
            Quarantine,
        ),
        ("v=DMARC1; p=none", SHUT, "ann@far.example", "", Fail, None),
        (
            "v=DMARC1; p=reject; t=y",
            SHUT,
            "ann@far.example",
            "",
            Fail,
            Quarantine,
        ),
        (
            "v=DMARC1; p=reject; pct=0",
            SHUT,
            "ann@far.example",
            "",
            Fail,
            Reject,
        ),
        (
            "v=DMARC1; p=reject",
            OPEN,
            "ann@else.example",
            "",
            Fail,
            Reject,
        ),
        (
            "v=DMARC1; p=reject",
            OPEN,
            "ann@news.far.example",
            "",
            Pass,
            Reject,
        ),
        (
            "v=DMARC1; p=reject; aspf=s",
            OPEN,
            "ann@news.far.example",
            "",
            Fail,
            Reject,
        ),
        (
            "v=DMARC1; p=reject",
            SHUT,
            "ann@far.example",
            "far.example",
            Pass,
            Reject,
        ),
        (
            "v=DMARC1; p=reject",
            SHUT,
            "ann@far.example",
            "news.far.example",
            Pass,
            Reject,
        ),
        (
            "v=DMARC1; p=reject; adkim=s",
            SHUT,
            "ann@far.example",
            "news.far.example",
            Fail,
            Reject,
        ),
        (
            "v=DMARC1; p=reject",
            SHUT,
            "ann@far.example",
            "else.example",
            Fail,
            Reject,
        ),
        (
            "v=DMARC1; sp=reject",
            SHUT,
            "ann@far.example",
            "",
            Nothing,
            None,
        ),
        (
            "v=DMARC1; p=wrong; rua=mailto:a@far.example",
            SHUT,
            "ann@far.example",
            "",
            Fail,
            None,
        ),
    ]
};

#[tokio::test]
async fn dmarc_follows_rfc_9989_branch_by_branch() {
    let signer = Signer::new();
    for (policy, spf, sender, signed, result, wish) in DMARC {
        let mut zone = Zone::default();
        if !policy.is_empty() {
            zone.txt("_dmarc.far.example", *policy);
        }
        zone.txt(sender.rsplit_once('@').unwrap().1, *spf);
        let mut message = MESSAGE.to_owned();
        if !signed.is_empty() {
            zone.txt(&format!("s._domainkey.{signed}"), signer.record.clone());
            message = signer.sign(MESSAGE, signed, &SignAs::default());
        }
        let found = evaluate(&zone, sender, &message).await.dmarc;
        assert_eq!(
            (found.result, found.policy),
            (*result, *wish),
            "{policy} {spf} {sender} {signed}"
        );
    }
}

#[tokio::test]
async fn dmarc_policies_for_subdomains_and_for_names_that_do_not_exist() {
    let message = MESSAGE.replace("ann@far.example", "ann@sub.far.example");
    let wish = async |zone: &Zone| {
        let found = evaluate(zone, "x@else.example", &message).await.dmarc;
        (found.result, found.policy, found.policy_domain)
    };
    let fail = |policy| (AuthResult::Fail, policy, "far.example".to_owned());
    let record = "_dmarc.far.example TXT v=DMARC1; p=none; sp=quarantine; np=reject";
    let missing = Zone::parse(record);
    assert_eq!(wish(&missing).await, fail(DmarcPolicy::Reject));
    let existing = Zone::parse(&format!("{record}\nsub.far.example A 192.0.2.9"));
    assert_eq!(wish(&existing).await, fail(DmarcPolicy::Quarantine));
    let empty = Zone::parse(&format!("{record}\nx.sub.far.example A 192.0.2.9"));
    assert_eq!(wish(&empty).await, fail(DmarcPolicy::Quarantine));
    let dead = Zone::parse(&format!("{record}\nsub.far.example DEAD"));
    assert_eq!(wish(&dead).await, fail(DmarcPolicy::Quarantine));
}

#[tokio::test]
async fn q21_what_the_dns_cannot_answer_never_fails_dmarc() {
    let signer = Signer::new();
    let signed = signer.sign(MESSAGE, "far.example", &SignAs::default());
    for dead in [
        "_dmarc.far.example",
        "_dmarc.example",
        "s._domainkey.far.example",
        "far.example",
    ] {
        let mut zone = Zone::parse("_dmarc.far.example TXT v=DMARC1; p=reject");
        zone.txt("far.example", "v=spf1 -all");
        zone.txt(KEY, Signer::new().record);
        zone.kill(dead);
        let found = evaluate(&zone, "ann@far.example", &signed).await;
        assert_eq!(
            found.dmarc.result,
            AuthResult::TempError,
            "{dead}: {found:?}"
        );
    }
    let mut zone = Zone::parse("_dmarc.far.example TXT v=DMARC1; p=reject");
    zone.txt(KEY, signer.record.clone());
    zone.kill("far.example");
    let found = evaluate(&zone, "ann@far.example", &signed).await;
    assert_eq!(found.spf.result, AuthResult::TempError);
    assert_eq!(
        found.dmarc.result,
        AuthResult::Pass,
        "the signature is enough"
    );
}

#[tokio::test]
async fn dmarc_needs_one_author_domain() {
    let zone = Zone::parse("_dmarc.far.example TXT v=DMARC1; p=reject");
    for (from, result) in [
        (
            "From: a@far.example, b@other.example\r\n",
            AuthResult::PermError,
        ),
        (
            "From: a@far.example\r\nFrom: b@other.example\r\n",
            AuthResult::PermError,
        ),
        ("From: nobody\r\n", AuthResult::None),
        ("From: a@localhost\r\n", AuthResult::None),
        ("From: a@far.example, b@FAR.example\r\n", AuthResult::Fail),
    ] {
        let message = format!("{from}\r\nbody\r\n");
        let found = evaluate(&zone, "x@else.example", &message).await;
        assert_eq!(found.dmarc.result, result, "{from}");
    }
}

#[tokio::test]
async fn spf_of_a_notification_is_that_of_the_helo_name() {
    let zone = Zone::parse("helo.example TXT v=spf1 +all");
    let found = evaluate(&zone, "", MESSAGE).await;
    assert!(found.spf.helo);
    assert_eq!(
        (found.spf.result, found.spf.domain.as_str()),
        (AuthResult::Pass, "helo.example")
    );
}

/// D2: who may be told, and who may not.
#[tokio::test]
async fn d2_only_the_envelope_sender_that_is_proved_may_be_notified() {
    let signer = Signer::new();
    let may_tell = async |spf: &str, sender: &str, signed: &str| {
        let mut zone = Zone::default();
        let domain = sender
            .rsplit_once('@')
            .map_or("helo.example", |(_, domain)| domain);
        zone.txt(domain, spf);
        zone.txt(&format!("s._domainkey.{signed}"), signer.record.clone());
        let message = signer.sign(MESSAGE, signed, &SignAs::default());
        let found = evaluate(&zone, sender, &message).await;
        let envelope = crate::signed::envelope(sender, "192.0.2.1");
        actors::filter::is_authenticated_sender(&envelope, &found)
    };
    assert!(may_tell("v=spf1 +all", "a@far.example", "else.example").await);
    assert!(!may_tell("v=spf1 ~all", "a@far.example", "else.example").await);
    assert!(may_tell("v=spf1 -all", "a@far.example", "far.example").await);
    assert!(may_tell("v=spf1 -all", "a@bounce.far.example", "far.example").await);
    // The victim in the envelope, the forger's own signature on the forger's own From.
    assert!(!may_tell("v=spf1 -all", "victim@other.example", "far.example").await);
    assert!(!may_tell("v=spf1 -all", "a@far.example", "sub.far.example").await);
    assert!(!may_tell("v=spf1 +all", "", "far.example").await);
}
