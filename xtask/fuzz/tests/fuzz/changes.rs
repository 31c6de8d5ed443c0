use effmix_fuzz::{READERS, Reader};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::memory::alone;
use crate::trial::takes;

/// Files that are made of a reader's seeds, if nobody says otherwise.
const CASES: u64 = 3000;

/// Changes of a file, at most.
const MOST_CHANGES: usize = 4;

/// Numbers at which lengths go wrong.
const NUMBERS: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, i64::MAX as u64, u64::MAX];

/// The same as decimals, and worse.
const DECIMALS: [&str; 8] = [
    "0",
    "-1",
    "255",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999",
    "1e400",
];

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn seeds_are_taken() {
    for reader in READERS {
        for seed in (reader.seeds)() {
            assert!((reader.check)(&seed), "{}: {}", reader.name, seed.escape_ascii());
        }
    }
}

#[test]
fn every_file_cut_off_anywhere_is_read_or_refused() {
    alone(|| {
        for reader in READERS {
            for seed in (reader.seeds)() {
                for end in 0..seed.len() {
                    takes(&reader, &seed[..end]);
                }
            }
        }
    });
}

#[test]
fn every_file_with_any_byte_changed_is_read_or_refused() {
    alone(|| {
        for reader in READERS {
            for seed in (reader.seeds)() {
                for at in 0..seed.len() {
                    for value in [0, seed[at] ^ 1, 0xff] {
                        let mut file = seed.clone();
                        file[at] = value;
                        takes(&reader, &file);
                    }
                }
            }
        }
    });
}

#[test]
fn weights_changed_by_chance_are_read_or_refused() {
    changed("weights");
}

#[test]
fn pickles_changed_by_chance_are_read_or_refused() {
    changed("pickle");
}

#[test]
fn timms_configs_changed_by_chance_are_read_or_refused() {
    changed("timm_config");
}

#[test]
fn models_changed_by_chance_are_read_or_refused() {
    changed("model");
}

#[test]
fn configs_changed_by_chance_are_read_or_refused() {
    changed("config");
}

#[test]
fn labels_changed_by_chance_are_read_or_refused() {
    changed("labels");
}

/// Tries the reader of this name on changed seeds. Some must be taken: else the changes reach no further than its first check.
fn changed(name: &str) {
    let reader = READERS.into_iter().find(|reader| reader.name == name).unwrap();
    let seeds = (reader.seeds)();
    let cases = variable("FUZZ_CASES").unwrap_or(CASES);
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(variable("FUZZ_SEED").unwrap_or(0));
    alone(|| {
        let mut taken = 0;
        for _ in 0..cases {
            let mut file = seeds[chance.random_range(0..seeds.len())].clone();
            for _ in 0..chance.random_range(1..=MOST_CHANGES) {
                change(&mut file, &reader, &seeds, &mut chance);
            }
            taken += u64::from(takes(&reader, &file));
        }
        assert!(cases < CASES || (taken > 0 && taken < cases), "{taken} of {cases} were taken");
    });
}

fn change(file: &mut Vec<u8>, reader: &Reader, seeds: &[Vec<u8>], chance: &mut Xoshiro256PlusPlus) {
    let (start, end) = part(file.len(), chance);
    match chance.random_range(0..10) {
        0 => file.truncate(end),
        1 => drop(file.drain(start..end)),
        2 => {
            let copy = file[start..end].to_vec();
            insert(file, chance, &copy);
        }
        3 => {
            let other = &seeds[chance.random_range(0..seeds.len())];
            let (start, end) = part(other.len(), chance);
            insert(file, chance, &other[start..end]);
        }
        4 => {
            let number = NUMBERS[chance.random_range(0..NUMBERS.len())].to_le_bytes();
            let width = [1, 2, 4, 8][chance.random_range(0..4)];
            let place = file[start..].iter_mut().zip(&number[..width]);
            place.for_each(|(byte, new)| *byte = *new);
        }
        5 => {
            let digits = |byte: &u8| byte.is_ascii_digit();
            let Some(first) = file[start..].iter().position(digits).map(|at| start + at) else { return };
            let count = file[first..].iter().take_while(|byte| digits(byte)).count();
            let decimal = DECIMALS[chance.random_range(0..DECIMALS.len())];
            drop(file.splice(first..first + count, decimal.bytes()));
        }
        6 | 7 => {
            let word = reader.words[chance.random_range(0..reader.words.len())];
            insert(file, chance, word);
        }
        8 => {
            let word = reader.words[chance.random_range(0..reader.words.len())];
            drop(file.splice(start..end, word.iter().copied()));
        }
        _ => file[start..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << chance.random_range(0..8)),
    }
}

/// Of so many bytes, some, mostly few.
fn part(length: usize, chance: &mut Xoshiro256PlusPlus) -> (usize, usize) {
    let start = chance.random_range(0..=length);
    let longest = if chance.random_bool(0.8) { 12 } else { length };
    (start, length.min(start + chance.random_range(0..=longest)))
}

fn insert(file: &mut Vec<u8>, chance: &mut Xoshiro256PlusPlus, bytes: &[u8]) {
    let at = chance.random_range(0..=file.len());
    drop(file.splice(at..at, bytes.iter().copied()));
}
