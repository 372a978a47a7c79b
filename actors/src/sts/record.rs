//! The TXT record at `_mta-sts.DOMAIN` (RFC 8461 §3.1): it says which policy is current.

/// Letters and digits of an id, at most.
const ID_MAX: usize = 32;

/// The id of the current policy. None when there is no such record, more than one, or one without a
/// sound id: the domain then has no MTA-STS.
#[must_use]
pub fn policy_id(records: &[Vec<u8>]) -> Option<String> {
    let ours = |record: &&Vec<u8>| {
        let rest = record.strip_prefix(b"v=STSv1".as_slice());
        rest.is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b';')))
    };
    let mut found = records.iter().filter(ours);
    let record = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let text = std::str::from_utf8(record).ok()?;
    let fields = text.split(';').skip(1).map(str::trim);
    let mut ids = fields.filter_map(|field| field.strip_prefix("id="));
    let id = ids.next()?;
    let sound = (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn out15_the_record_names_the_policy_when_it_is_the_only_one() {
        let long = format!("v=STSv1; id={};", "a".repeat(33));
        for (records, id) in [
            (
                &["v=STSv1; id=20160831085700Z;"][..],
                Some("20160831085700Z"),
            ),
            (&["v=STSv1;id=1"], Some("1")),
            (&["v=STSv1 ; x=y; id=1 ; z=2"], Some("1")),
            (&["v=spf1 -all", "v=STSv1; id=1;"], Some("1")),
            (&["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
            (&["v=STSv10; id=1;"], None),
            (&["v=STSv1; id=;"], None),
            (&["v=STSv1; id=a-b;"], None),
            (&["v=STSv1;"], None),
            (&[long.as_str()], None),
            (&[" v=STSv1; id=1;"], None),
            (&[], None),
        ] {
            let records: Vec<Vec<u8>> = records.iter().map(|one| one.as_bytes().to_vec()).collect();
            assert_eq!(policy_id(&records).as_deref(), id, "{records:?}");
        }
    }

    proptest! {
        #[test]
        fn out15_no_record_panics(records in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..80), 0..4)) {
            let _ = policy_id(&records);
        }
    }
}
