//! Names for people the records leave nameless: invented, and always the same for the same ticket.
//!
//! Boards mask names, so a demo without names would not show that they do.

use super::chance::{About, draw};

/// The most common family names in China, so that an invented one points to nobody.
const FAMILY: [&str; 20] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗",
];
/// Common characters of given names.
const GIVEN: [&str; 20] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "兰", "霞",
    "平",
];

/// An invented name for the holder of a ticket: a family name and one or two characters.
pub fn invented(code: &str) -> String {
    let seed = draw(About::Name, code);
    let pick = |list: [&'static str; 20], at: u64| {
        usize::try_from(at % 20).ok().and_then(|at| list.get(at).copied()).unwrap_or_default()
    };
    let second = if (seed >> 40).is_multiple_of(3) { "" } else { pick(GIVEN, seed >> 24) };
    format!("{}{}{second}", pick(FAMILY, seed), pick(GIVEN, seed >> 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_or_three_characters_and_stays() {
        for code in ["A001", "A002", "", "K186"] {
            assert!((2..=3).contains(&invented(code).chars().count()), "{code}: {}", invented(code));
            assert_eq!(invented(code), invented(code));
        }
        assert_ne!(invented("A001"), invented("A002"));
    }
}
