//! The index of a store, damaged: lines that were changed, lost, doubled or moved cost their own episodes and no others.

use std::fs;

use worldsmith_core::{ErrorKind, StepKind};
use worldsmith_data::Store;

use super::episode;
use super::store::store;

#[test]
fn a_damaged_line_of_the_index_costs_its_own_episode_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let originals: Vec<_> = store(dir.path(), 4).iter().map(Result::unwrap).collect();
    let index = dir.path().join("index.jsonl");
    let mut bytes = fs::read(&index).unwrap();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 10;
    bytes[second] ^= 1;
    fs::write(&index, bytes).unwrap();
    let mut damaged = Store::open(dir.path()).unwrap();
    let said = damaged.damage().unwrap();
    let want = "1 episodes cannot be read, for their lines are damaged or gone: 1; \
                lines that are damaged or out of place: 2 in";
    assert!(said.starts_with(want), "{said}");
    assert!(said.ends_with("index.jsonl"), "{said}");
    let read: Vec<_> = damaged.iter().collect();
    let err = read[1].as_ref().unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Corrupt);
    assert!(err.to_string().starts_with("the line of episode 1 is damaged or gone: "), "{err}");
    assert!(err.to_string().ends_with("index.jsonl"), "{err}");
    assert!([0, 2, 3].iter().all(|idx| read[*idx].as_ref().unwrap() == &originals[*idx]));
    assert!(damaged.summary().is_err(), "nothing is counted that cannot be known");
    // It goes on as any other store, and everything stays where it was.
    damaged.append(&episode(4, 5, StepKind::Mid)).unwrap();
    drop(damaged);
    let opened = Store::open(dir.path()).unwrap();
    assert_eq!((opened.len(), opened.damage()), (5, Some(said)));
    assert_eq!(opened.read(4).unwrap(), episode(4, 5, StepKind::Mid));
    assert!(opened.read(1).is_err());
    drop(opened);
    let mut cut = Store::open(dir.path()).unwrap();
    cut.truncate(1).unwrap();
    assert_eq!((cut.len(), cut.damage()), (1, None));
}

#[test]
fn episodes_keep_their_numbers_whatever_became_of_lines_before_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let originals: Vec<_> = store(dir.path(), 5).iter().map(Result::unwrap).collect();
    let index = dir.path().join("index.jsonl");
    let whole = fs::read_to_string(&index).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let merged = format!("{}{}", lines[1].trim_end(), lines[2]);
    // Lines removed, doubled, swapped, run together by a damaged end: and the episodes that are lost by it.
    let cases: [(&[&str], &[usize], &str); 5] = [
        (&[lines[0], lines[2], lines[3], lines[4]], &[1], "damaged or gone: 1 in"),
        (&[lines[1], lines[2], lines[4]], &[0, 3], "damaged or gone: 0, 3 in"),
        (&[lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]], &[], "out of place: 3 in"),
        (&[lines[0], lines[2], lines[1], lines[3], lines[4]], &[1], "out of place: 3 in"),
        (&[lines[0], &merged, lines[3], lines[4]], &[1, 2], "damaged or gone: 1 to 2; "),
    ];
    for (text, lost, said) in cases {
        fs::write(&index, text.concat()).unwrap();
        let mut damaged = Store::open(dir.path()).unwrap();
        assert!(damaged.damage().unwrap().contains(said), "{:?}", damaged.damage());
        assert_eq!((damaged.len(), damaged.leftovers()), (5, None), "{said}");
        for (idx, original) in originals.iter().enumerate() {
            match damaged.read(idx) {
                Ok(read) => assert!(read == *original && !lost.contains(&idx), "{said}"),
                Err(err) => assert!(lost.contains(&idx) && err.to_string().ends_with("index.jsonl"), "{err}"),
            }
        }
        damaged.append(&episode(5, 1, StepKind::Mid)).unwrap();
        damaged.truncate(5).unwrap();
        assert_eq!((damaged.len(), damaged.read(4).unwrap()), (5, originals[4].clone()));
        assert_eq!(fs::read_to_string(&index).unwrap(), text.concat(), "what is there stays as it is");
    }
}

#[test]
fn going_back_to_a_damaged_line_is_refused_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path(), 10));
    let index = dir.path().join("index.jsonl");
    let mut bytes = fs::read(&index).unwrap();
    let fifth = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(3).unwrap().0 + 10;
    bytes[fifth] ^= 1;
    fs::write(&index, &bytes).unwrap();
    let err = Store::open(dir.path()).unwrap().truncate(5).unwrap_err();
    assert!(err.to_string().starts_with("the line of episode 4 is damaged"), "{err}");
    assert_eq!(fs::read(&index).unwrap(), bytes);
    let mut opened = Store::open(dir.path()).unwrap();
    assert_eq!((opened.len(), opened.read(9).unwrap()), (10, episode(9, 10, StepKind::Terminated)));
    opened.truncate(6).unwrap();
    assert_eq!((opened.len(), opened.read(5).unwrap()), (6, episode(5, 6, StepKind::Terminated)));
}
