//! Whatever happened to a file, it is found.

use super::super::error::{Damage, SnapshotError};
use super::super::sample;
use super::super::verify::verify;
use super::file;

fn damage(content: &[u8]) -> Damage {
    let (_folder, path) = file(content);
    match verify(&path) {
        Err(SnapshotError::Damaged { damage, .. }) => damage,
        other => panic!("{other:?}"),
    }
}

/// The smallest of the days, with a trail that goes on from the one before.
fn small() -> Vec<u8> {
    let days = sample::days(&sample::clinic());
    let (_, first) = sample::file(&days[0], None);
    sample::file(&days[1], Some(first.link())).0
}

#[test]
fn every_flipped_byte_is_found() {
    let whole = small();
    for at in 0..whole.len() {
        for flip in [0x01, 0x80] {
            let mut flipped = whole.clone();
            flipped[at] ^= flip;
            damage(&flipped);
        }
    }
}

#[test]
fn every_truncation_and_every_surplus_is_found() {
    let whole = small();
    for length in 0..whole.len() {
        damage(&whole[..length]);
    }
    damage(&[&whole[..], b"\0"].concat());
    damage(&[&whole[..], &whole[..]].concat());
    let half = whole.len() / 2;
    damage(&[&whole[..half], b"more", &whole[half..]].concat());
}

#[test]
fn a_swapped_manifest_is_found() {
    let days = sample::days(&sample::clinic());
    let (one, two) = (sample::file(&days[0], None).0, sample::file(&days[1], None).0);
    // The same day in the same venue, with one change less.
    let shorter = sample::file(&days[0][..days[0].len() - 1], None).0;
    let seal = |content: &[u8]| {
        let length = u32::from_le_bytes(content[content.len() - 8..content.len() - 4].try_into().unwrap());
        content.len() - (length as usize + 8 + 40)
    };
    assert!(matches!(damage(&[&one[..seal(&one)], &two[seal(&two)..]].concat()), Damage::Disagrees(_)));
    assert_eq!(damage(&[&one[..seal(&one)], &shorter[seal(&shorter)..]].concat()), Damage::ContentAltered);
}

#[test]
fn other_files_are_told_apart_from_damaged_ones() {
    for other in [&b""[..], b"number,service\nA001,ent\n", &zstd::encode_all(&b"text"[..], 1).unwrap()] {
        assert_eq!(damage(other), Damage::NotASnapshot);
    }
    let missing = verify(std::path::Path::new("/nowhere/a.callnext.zst")).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/a.callnext.zst: "), "{missing}");
}
