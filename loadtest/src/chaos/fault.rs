//! What goes wrong.

use std::fmt;

/// Random numbers from a seed: the same seed, the same run (splitmix64).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to, and without, `below`.
    pub(super) fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }

    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let at = self.below(u64::try_from(all.len()).unwrap_or_default());
        all.get(usize::try_from(at).unwrap_or_default()).copied()
    }
}

/// One thing that goes wrong, and is put right again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// `kill -9` of the node that writes; started again.
    KillOwner,
    /// `kill -9` of one that does not; started again.
    KillFollower,
    /// `kill -9` of Redis, which keeps a file; started again.
    KillRedis,
    /// SIGSTOP of the node that writes for longer than its lease, then SIGCONT: it believes to own what it does not.
    SleepOwner,
    /// The node that writes cannot reach Redis for longer than its lease.
    CutOwner,
    /// One that does not, likewise.
    CutFollower,
    /// Redis takes nothing more (`maxmemory`), for longer than a lease.
    FullRedis,
    /// Everything in Redis is gone.
    Wipe,
    /// The wall clock of one node jumps an hour ahead, or an hour back.
    ClockJump,
    /// SIGTERM of the node that writes; started again.
    Leave,
    /// `kill -9` of Redis's primary: Sentinel promotes the replica, and the old primary comes back as one.
    Promote,
}

impl Fault {
    /// With one Redis.
    pub(super) const SINGLE: [Self; 10] = [
        Self::KillOwner,
        Self::KillFollower,
        Self::KillRedis,
        Self::SleepOwner,
        Self::CutOwner,
        Self::CutFollower,
        Self::FullRedis,
        Self::Wipe,
        Self::ClockJump,
        Self::Leave,
    ];
    /// With a replica and Sentinel.
    pub(super) const SENTINEL: [Self; 6] =
        [Self::Promote, Self::Promote, Self::KillOwner, Self::KillFollower, Self::SleepOwner, Self::Leave];

    /// Whether another thing may go wrong beside it. A Redis that forgets while its owner dies is another matter.
    pub(super) fn takes_company(self) -> bool {
        !matches!(self, Self::Wipe | Self::Promote)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillOwner => "kill -9 of the owner",
            Self::KillFollower => "kill -9 of a follower",
            Self::KillRedis => "kill -9 of Redis",
            Self::SleepOwner => "the owner sleeps past its lease",
            Self::CutOwner => "the owner is cut off from Redis",
            Self::CutFollower => "a follower is cut off from Redis",
            Self::FullRedis => "Redis is full",
            Self::Wipe => "Redis is wiped",
            Self::ClockJump => "the clock of node c jumps an hour",
            Self::Leave => "SIGTERM of the owner",
            Self::Promote => "the Redis primary is killed, its replica promoted",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_faults_and_every_fault() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (0..200).filter_map(|_| chance.of(&Fault::SINGLE)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(Fault::SINGLE.iter().all(|fault| draw(1).contains(fault)));
    }
}
