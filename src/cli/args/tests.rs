//! Command lines as they are typed.

use super::*;
use clap::CommandFactory as _;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split_ascii_whitespace())
}

#[test]
fn the_declaration_is_sound() {
    Arguments::command().debug_assert();
}

/// D9: what the API can do can be done here.
#[test]
fn d9_every_command_parses() {
    for line in [
        "mailhold serve",
        "mailhold --config f.toml serve",
        "mailhold check --reference",
        "mailhold --json status",
        "mailhold status --json --config f.toml",
        "mailhold domain add example.test --destination 127.0.0.1:2626",
        "mailhold domain add e.test --destination a:25,priority=1 --destination b:25 --verify auto",
        "mailhold domain set e.test --hold-days 30 --catch-all",
        "mailhold domain set e.test --catch-all false",
        "mailhold domain list",
        "mailhold domain show e.test",
        "mailhold domain remove e.test --force",
        "mailhold dkim make e.test --selector s1",
        "mailhold dkim show e.test",
        "mailhold mailbox add alice@e.test --name Alice --recovery a@b.test --disabled",
        "mailhold mailbox import people.csv --dry-run",
        "mailhold mailbox list e.test",
        "mailhold mailbox remove alice@e.test",
        "mailhold alias add a@e.test alice@e.test",
        "mailhold alias list e.test",
        "mailhold alias remove a@e.test",
        "mailhold hold e.test --reason work --until 2030-01-01T00:00:00Z",
        "mailhold release e.test",
        "mailhold continuity on e.test --days 30",
        "mailhold continuity off e.test",
        "mailhold continuity show e.test",
        "mailhold domain rotate-key e.test",
        "mailhold domain destroy-key e.test --yes",
        "mailhold queue list --domain e.test --sender a --recipient b --limit 5",
        "mailhold queue list --aside --domain e.test",
        "mailhold queue show 0",
        "mailhold queue retry 0 1 2",
        "mailhold queue bounce --domain e.test --dry-run",
        "mailhold queue remove --all",
        "mailhold queue move --to other.test --reply 550 --older-than 12h --dry-run",
        "mailhold queue move --to other.test 0 1",
        "mailhold domain probe e.test",
        "mailhold domain add e.test --destination mx:example.org,tls=verified",
        "mailhold queue release 0",
        "mailhold queue discard 0",
        "mailhold queue export 0 -o file.eml",
        "mailhold quarantine list --domain e.test --sender a --recipient b --limit 5",
        "mailhold quarantine show 0",
        "mailhold quarantine release 0 1",
        "mailhold quarantine delete 0",
        "mailhold allow 192.0.2.0/24 --for e.test --comment partner",
        "mailhold block spam.example --for alice@e.test",
        "mailhold rule list e.test",
        "mailhold rule remove spam.example --for alice@e.test",
        "mailhold store check",
        "mailhold store stats",
        "mailhold store backup dir",
        "mailhold store recover",
        "mailhold audit --limit 5",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn what_is_unclear_is_refused() {
    for line in [
        "mailhold",
        "mailhold nonsense",
        "mailhold domain add",
        "mailhold domain add e.test --destination x:y",
        "mailhold domain add e.test --verify perhaps",
        "mailhold queue remove",
        "mailhold queue remove 0 --all",
        "mailhold queue remove 0 --domain e.test",
        "mailhold queue retry 0 --dry-run",
        "mailhold queue retry --older-than soon",
        "mailhold queue move 0",
        "mailhold queue list --aside",
        "mailhold queue release",
        "mailhold quarantine release",
        "mailhold block spam.example",
        "mailhold store backup",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}
