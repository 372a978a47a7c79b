use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use storage::model::Timestamp;

use super::*;

const CREATE: &str = r#"{"type":"webauthn.create","challenge":"Q","origin":"https://mail.example.net","crossOrigin":false}"#;
const GET: &str =
    r#"{"type":"webauthn.get","challenge":"Q","origin":"https://mail.example.net","more":[1]}"#;

fn party() -> RelyingParty {
    RelyingParty::of("https://mail.example.net").unwrap()
}

fn pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap()
}

/// Authenticator data without a key.
fn data(site: &str, flags: u8, count: u32) -> Vec<u8> {
    let site = Sha256::digest(site.as_bytes());
    [site.as_slice(), &[flags], &count.to_be_bytes()].concat()
}

fn cose(pair: &EcdsaKeyPair) -> Vec<u8> {
    let point = pair.public_key().as_ref();
    let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
    [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat()
}

fn with_key(flags: u8, id: &[u8], key: &[u8]) -> Vec<u8> {
    let length = u16::try_from(id.len()).unwrap().to_be_bytes();
    let front = data("mail.example.net", flags, 3);
    [front.as_slice(), &[0; 16], &length, id, key].concat()
}

fn registration(client: &str, authenticator_data: Vec<u8>) -> Registration {
    Registration {
        client_data: client.into(),
        authenticator_data,
    }
}

fn passkey(key: PasskeyKey, sign_count: u32) -> Passkey {
    Passkey {
        id: b"id".to_vec(),
        name: "phone".to_owned(),
        key,
        sign_count,
        created_at: Timestamp::default(),
        used_at: None,
    }
}

fn assertion(pair: &EcdsaKeyPair, client: &str, authenticator_data: Vec<u8>) -> Assertion {
    let digest = Sha256::digest(client.as_bytes());
    let message = [authenticator_data.as_slice(), &digest].concat();
    let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
    Assertion {
        id: b"id".to_vec(),
        user_handle: Vec::new(),
        client_data: client.into(),
        authenticator_data,
        signature: signature.as_ref().to_vec(),
    }
}

#[test]
fn a7_a_key_that_was_made_for_this_site_is_taken() {
    let pair = pair();
    let made = registration(CREATE, with_key(0x45, b"id", &cose(&pair)));
    let key = made.judge(&party(), &Passkeys::default()).unwrap();
    let point = PasskeyKey::Es256(pair.public_key().as_ref().to_vec());
    assert_eq!((key.key, key.id.as_slice()), (point, &b"id"[..]));
    assert_eq!((key.challenge.as_str(), key.sign_count), ("Q", 3));
    let extended = [cose(&pair), vec![0xa0]].concat();
    let made = registration(CREATE, with_key(0xc5, b"id", &extended));
    assert!(made.judge(&party(), &Passkeys::default()).is_ok());
}

#[test]
fn a7_every_reason_to_refuse_a_new_key() {
    let pair = pair();
    let key = cose(&pair);
    let sound = with_key(0x45, b"id", &key);
    let mut elsewhere = sound.clone();
    elsewhere[0] ^= 1;
    let trailing = [key.clone(), vec![0]].concat();
    let long = vec![1; 1024];
    let foreign = CREATE.replace("mail.example.net", "mail.example.net.evil.example");
    let framed = CREATE.replace(r#""crossOrigin":false"#, r#""crossOrigin":true"#);
    let padded = format!("{CREATE}{}", " ".repeat(4096));
    for (what, client, data, fault) in [
        ("no JSON", "{", sound.clone(), PasskeyFault::Malformed),
        ("too long", &padded, sound.clone(), PasskeyFault::Malformed),
        (
            "a signature instead",
            GET,
            sound.clone(),
            PasskeyFault::Ceremony,
        ),
        (
            "another origin",
            &foreign,
            sound.clone(),
            PasskeyFault::Origin,
        ),
        ("in a frame", &framed, sound.clone(), PasskeyFault::Origin),
        ("for another site", CREATE, elsewhere, PasskeyFault::Site),
        (
            "cut off",
            CREATE,
            sound[..36].to_vec(),
            PasskeyFault::Malformed,
        ),
        ("too much", CREATE, vec![0; 9000], PasskeyFault::Malformed),
        (
            "untouched",
            CREATE,
            with_key(0x44, b"id", &key),
            PasskeyFault::NotPresent,
        ),
        (
            "unverified",
            CREATE,
            with_key(0x41, b"id", &key),
            PasskeyFault::NotVerified,
        ),
        (
            "backed up, not eligible",
            CREATE,
            with_key(0x55, b"id", &key),
            PasskeyFault::Malformed,
        ),
        (
            "no key",
            CREATE,
            data("mail.example.net", 0x05, 0),
            PasskeyFault::NoKey,
        ),
        (
            "cut in the model",
            CREATE,
            sound[..50].to_vec(),
            PasskeyFault::Malformed,
        ),
        (
            "an empty id",
            CREATE,
            with_key(0x45, b"", &key),
            PasskeyFault::Malformed,
        ),
        (
            "a long id",
            CREATE,
            with_key(0x45, &long, &key),
            PasskeyFault::Malformed,
        ),
        (
            "cut in the id",
            CREATE,
            sound[..56].to_vec(),
            PasskeyFault::Malformed,
        ),
        (
            "more behind it",
            CREATE,
            with_key(0x45, b"id", &trailing),
            PasskeyFault::Malformed,
        ),
        (
            "no extensions",
            CREATE,
            with_key(0xc5, b"id", &key),
            PasskeyFault::Malformed,
        ),
    ] {
        let judged = registration(client, data).judge(&party(), &Passkeys::default());
        assert_eq!(judged.unwrap_err(), fault, "{what}");
    }
}

#[test]
fn a7_a_key_that_is_there_already_and_one_too_many_are_refused() {
    let sound = with_key(0x45, b"id", &cose(&pair()));
    let of = |count: usize, id: &[u8]| Passkeys {
        handle: None,
        all: vec![
            Passkey {
                id: id.to_vec(),
                ..passkey(PasskeyKey::EdDsa(vec![0; 32]), 0)
            };
            count
        ],
    };
    for (present, fault) in [
        (of(1, b"id"), PasskeyFault::Known),
        (of(PASSKEYS_MAX, b"other"), PasskeyFault::Full),
    ] {
        let judged = registration(CREATE, sound.clone()).judge(&party(), &present);
        assert_eq!(judged.unwrap_err(), fault);
    }
}

#[test]
fn a7_a_signature_of_the_passkey_opens() {
    let pair = pair();
    let known = passkey(PasskeyKey::Es256(pair.public_key().as_ref().to_vec()), 3);
    let signed = assertion(&pair, GET, data("mail.example.net", 0x1d, 4));
    let expected = Signed {
        challenge: "Q".to_owned(),
        sign_count: 4,
    };
    assert_eq!(signed.judge(&party(), &known), Ok(expected));
}

#[test]
fn a7_ed25519_signatures_open_too() {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
    let known = passkey(PasskeyKey::EdDsa(pair.public_key().as_ref().to_vec()), 0);
    let authenticator_data = data("mail.example.net", 0x05, 0);
    let digest = Sha256::digest(GET.as_bytes());
    let message = [authenticator_data.as_slice(), &digest].concat();
    let mut signed = Assertion {
        id: b"id".to_vec(),
        user_handle: Vec::new(),
        client_data: GET.into(),
        authenticator_data,
        signature: pair.sign(&message).as_ref().to_vec(),
    };
    assert!(signed.judge(&party(), &known).is_ok());
    signed.signature[5] ^= 1;
    assert_eq!(signed.judge(&party(), &known), Err(PasskeyFault::Signature));
}

#[test]
fn a7_every_reason_to_refuse_a_signature() {
    let (pair, other) = (pair(), pair());
    let known = passkey(PasskeyKey::Es256(pair.public_key().as_ref().to_vec()), 3);
    let sound = || data("mail.example.net", 0x05, 4);
    let foreign = GET.replace("https", "http");
    for (what, client, data, fault) in [
        ("a new key instead", CREATE, sound(), PasskeyFault::Ceremony),
        ("another origin", &foreign, sound(), PasskeyFault::Origin),
        (
            "another site",
            GET,
            data("example.net", 0x05, 4),
            PasskeyFault::Site,
        ),
        (
            "untouched",
            GET,
            data("mail.example.net", 0x04, 4),
            PasskeyFault::NotPresent,
        ),
        (
            "unverified",
            GET,
            data("mail.example.net", 0x01, 4),
            PasskeyFault::NotVerified,
        ),
        (
            "with a key",
            GET,
            data("mail.example.net", 0x45, 4),
            PasskeyFault::Malformed,
        ),
        (
            "more behind it",
            GET,
            [sound(), vec![0]].concat(),
            PasskeyFault::Malformed,
        ),
        (
            "no extensions",
            GET,
            data("mail.example.net", 0x85, 4),
            PasskeyFault::Malformed,
        ),
        (
            "the same count",
            GET,
            data("mail.example.net", 0x05, 3),
            PasskeyFault::Counter,
        ),
        (
            "a lower count",
            GET,
            data("mail.example.net", 0x05, 1),
            PasskeyFault::Counter,
        ),
        (
            "no count any more",
            GET,
            data("mail.example.net", 0x05, 0),
            PasskeyFault::Counter,
        ),
    ] {
        let judged = assertion(&pair, client, data).judge(&party(), &known);
        assert_eq!(judged, Err(fault), "{what}");
    }
    let forged = assertion(&other, GET, sound());
    assert_eq!(forged.judge(&party(), &known), Err(PasskeyFault::Signature));
    let mut changed = assertion(&pair, GET, sound());
    changed.client_data = GET.replace("\"Q\"", "\"R\"").into();
    assert_eq!(
        changed.judge(&party(), &known),
        Err(PasskeyFault::Signature)
    );
    let broken = passkey(PasskeyKey::Es256(vec![4; 65]), 0);
    let signed = assertion(&pair, GET, sound());
    assert_eq!(
        signed.judge(&party(), &broken),
        Err(PasskeyFault::Signature)
    );
    let rsa = PasskeyKey::Rs256 {
        modulus: vec![5; 256],
        exponent: vec![1, 0, 1],
    };
    assert_eq!(
        signed.judge(&party(), &passkey(rsa, 0)),
        Err(PasskeyFault::Signature)
    );
}
