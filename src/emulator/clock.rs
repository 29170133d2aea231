//! Time and identifiers, as things one passes in.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Tells the emulator what time it is. Clones share one clock.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Mutex<Hands>>>);

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    step: SignedDuration,
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is told to move.
    pub fn fixed(now: Timestamp) -> Self {
        Self::stepping(now, SignedDuration::ZERO)
    }

    /// A clock that moves on by `step` after each reading.
    pub fn stepping(now: Timestamp, step: SignedDuration) -> Self {
        Self(Some(Arc::new(Mutex::new(Hands { now, step }))))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        let Some(hands) = &self.0 else { return Timestamp::now() };
        let mut hands = hands.lock().unwrap_or_else(PoisonError::into_inner);
        let now = hands.now;
        hands.now = now.saturating_add(hands.step).unwrap_or(now);
        now
    }

    /// Moves a clock that is not the machine's; the machine's cannot be moved and stays as it is.
    pub fn advance(&self, by: SignedDuration) {
        if let Some(hands) = &self.0 {
            let mut hands = hands.lock().unwrap_or_else(PoisonError::into_inner);
            hands.now = hands.now.saturating_add(by).unwrap_or(hands.now);
        }
    }
}

/// Hands out identifiers. Clones share one sequence.
#[derive(Debug, Clone, Default)]
pub struct Ids(Option<Arc<Mutex<u64>>>);

impl Ids {
    /// Identifiers nobody can foresee.
    pub fn random() -> Self {
        Self(None)
    }

    /// The same identifiers each time, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Mutex::new(seed))))
    }

    /// A UUID of version 4, in lower case.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }

    /// Random hexadecimal digits in lower case, at most eight.
    pub fn hex(&self, digits: usize) -> String {
        let [a, b, c, d, ..] = self.bytes();
        let mut text = format!("{a:02x}{b:02x}{c:02x}{d:02x}");
        text.truncate(digits);
        text
    }

    fn bytes(&self) -> [u8; 16] {
        let Some(state) = &self.0 else { return uuid::Uuid::new_v4().into_bytes() };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = [0; 16];
        for half in bytes.chunks_mut(8) {
            half.copy_from_slice(&split_mix(&mut state).to_be_bytes());
        }
        bytes
    }
}

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepping_clock_moves_after_each_reading() {
        let clock = Clock::stepping(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(1));
        clock.advance(SignedDuration::from_secs(10));
        assert_eq!((clock.now().as_second(), clock.clone().now().as_second()), (10, 11));
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_and_no_id_twice() {
        let (one, other) = (Ids::seeded(7), Ids::seeded(7));
        let first = one.uuid();
        assert_eq!(first, other.uuid());
        assert_ne!(first, one.uuid());
        assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 4);
        assert_eq!(one.hex(6).len(), 6);
    }
}
