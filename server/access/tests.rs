//! Access from its door: what people and devices can and cannot do, also after a restart.

use std::collections::BTreeMap;

use rusqlite::Connection;
use tempfile::TempDir;

use super::store::{ACCOUNTS_MAX, DEVICES_PER_VENUE_MAX, LOGINS_PER_ACCOUNT_MAX};
use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const PASSWORD: &str = "correct horse";
const OTHER_PASSWORD: &str = "battery staple";

struct Place {
    folder: TempDir,
    access: Access,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { access: Access::open(folder.path()).unwrap(), folder }
    }

    /// With `root`, an administrator of everything.
    async fn with_root() -> Self {
        let place = Self::new();
        place.put("root", &[("*", "administrator")]).await;
        place
    }

    async fn put(&self, user: &str, roles: &[(&str, &str)]) {
        self.access.put_account(user, Some(PASSWORD), roles_of(roles), NOW).await.unwrap();
    }

    async fn login(&self, user: &str) -> Token {
        self.access.login(user, PASSWORD, NOW).await.unwrap().0
    }

    async fn who(&self, token: &Token, at: Timestamp) -> Option<String> {
        match self.access.authenticate(token.reveal(), at).await? {
            Principal::Staff { user, .. } => Some(user.to_string()),
            Principal::Device { name, .. } => Some(name.to_string()),
            Principal::Anonymous => None,
        }
    }

    /// The same folder, opened by a program that was just started.
    fn restarted(self) -> Self {
        drop(self.access);
        Self { access: Access::open(self.folder.path()).unwrap(), folder: self.folder }
    }

    /// Writes many rows at once, past the door; in force after a restart.
    fn insert(&self, statement: &str, count: usize) {
        let file = Connection::open(self.folder.path().join("accounts.sqlite")).unwrap();
        file.execute(statement, [i64::try_from(count).unwrap()]).unwrap();
    }

    /// Everything in the folder, as somebody who copied it would see it.
    fn copied(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

fn roles_of(roles: &[(&str, &str)]) -> Roles {
    let written: BTreeMap<_, _> = roles.iter().map(|(at, role)| ((*at).to_owned(), (*role).to_owned())).collect();
    Roles::parse(&written, |_| true).unwrap()
}

fn venue(name: &str) -> VenueId {
    VenueId::parse(name).unwrap()
}

fn code<T>(result: Result<T, AccessError>) -> &'static str {
    result.err().map_or("ok", |error| error.code())
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

// ---- set-up ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_fresh_installation_is_set_up_once_by_the_link_it_printed() {
    let place = Place::new();
    assert!(place.access.needs_setup());
    let token = place.access.offer_setup().unwrap().unwrap();
    place.access.set_up(token.reveal(), "Root", PASSWORD, NOW).await.unwrap();

    assert!(!place.access.needs_setup());
    assert!(place.access.offer_setup().unwrap().is_none());
    assert_eq!(code(place.access.set_up(token.reveal(), "Eve", PASSWORD, NOW).await), "setup_token_invalid");
    let login = place.login("root").await;
    let root = place.access.authenticate(login.reveal(), NOW).await.unwrap();
    assert!(root.may_everywhere(Permission::ManageAccounts));
}

#[tokio::test]
async fn only_the_link_printed_last_sets_up() {
    let place = Place::new();
    assert_eq!(code(place.access.set_up("", "eve", PASSWORD, NOW).await), "setup_token_invalid");
    let first = place.access.offer_setup().unwrap().unwrap();
    let second = place.access.offer_setup().unwrap().unwrap();
    assert_eq!(code(place.access.set_up(first.reveal(), "eve", PASSWORD, NOW).await), "setup_token_invalid");
    let place = place.restarted();
    assert_eq!(code(place.access.set_up(second.reveal(), "eve", PASSWORD, NOW).await), "setup_token_invalid");
    assert!(place.access.needs_setup());
}

#[tokio::test]
async fn a_set_up_that_was_refused_can_be_tried_again() {
    let place = Place::new();
    let token = place.access.offer_setup().unwrap().unwrap();
    assert_eq!(code(place.access.set_up(token.reveal(), " ", PASSWORD, NOW).await), "user_invalid");
    assert_eq!(code(place.access.set_up(token.reveal(), "root", "short", NOW).await), "password_too_short");
    place.access.set_up(token.reveal(), "root", PASSWORD, NOW).await.unwrap();
}

#[tokio::test]
async fn of_two_who_use_the_link_at_once_one_becomes_administrator() {
    let place = Place::new();
    let token = place.access.offer_setup().unwrap().unwrap();
    let (one, two) = tokio::join!(
        place.access.set_up(token.reveal(), "one", PASSWORD, NOW),
        place.access.set_up(token.reveal(), "two", PASSWORD, NOW),
    );
    let mut codes = [code(one), code(two)];
    codes.sort_unstable();
    assert_eq!(codes, ["ok", "setup_token_invalid"]);
    assert_eq!(place.access.list_accounts().len(), 1);
}

// ---- logins ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_login_opens_what_its_roles_allow() {
    let place = Place::with_root().await;
    place.put("Wang", &[("clinic", "nurse")]).await;
    let (token, login) = place.access.login(" wang ", PASSWORD, NOW).await.unwrap();
    assert_eq!(login.user.as_str(), "Wang");
    assert_eq!(login.expires_at, NOW + LOGIN_LIFE);
    let nurse = place.access.authenticate(token.reveal(), NOW).await.unwrap();
    assert!(nurse.may(Permission::AddOverflow, &venue("clinic")));
    assert!(!nurse.may(Permission::AddOverflow, &venue("hall")));
    assert_eq!(place.access.login_of(token.reveal(), NOW), Some(login));
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_get_the_same_answer() {
    let place = Place::with_root().await;
    for (user, password) in [("root", OTHER_PASSWORD), ("nobody", PASSWORD), ("", PASSWORD), ("a\nb", ""), ("root", "")]
    {
        let refused = place.access.login(user, password, NOW).await.unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("login_failed", AccessErrorKind::Unauthenticated), "{user}");
    }
}

#[tokio::test]
async fn guessing_is_throttled_alike_for_names_that_exist_and_names_that_do_not() {
    let place = Place::with_root().await;
    for user in ["root", "nobody"] {
        let mut codes = Vec::new();
        for _ in 0..11 {
            codes.push(code(place.access.login(user, OTHER_PASSWORD, NOW).await));
        }
        assert_eq!(codes[..10], ["login_failed"; 10], "{user}");
        assert_eq!(codes[10], "too_many_attempts", "{user}");
    }
    assert_eq!(code(place.access.login("root", PASSWORD, NOW).await), "too_many_attempts", "the right one as well");
    let later = NOW + Millis::from_mins(2);
    place.access.login("root", PASSWORD, later).await.unwrap();
}

#[tokio::test]
async fn a_login_lasts_while_it_is_used_and_ends_when_it_is_not() {
    let place = Place::with_root().await;
    let (used, left) = (place.login("root").await, place.login("root").await);
    let mut now = NOW;
    for _ in 0..4 {
        now = now + Millis::from_mins(11 * 60);
        assert_eq!(place.who(&used, now).await.as_deref(), Some("root"));
    }
    assert_eq!(place.who(&left, NOW + LOGIN_LIFE).await, None);
    assert_eq!(place.access.login_of(left.reveal(), NOW + LOGIN_LIFE), None);
    let place = place.restarted();
    assert_eq!(place.who(&used, now + Millis::from_mins(11 * 60)).await.as_deref(), Some("root"), "renewed on disk");
    assert_eq!(place.who(&used, now + Millis::from_mins(24 * 60)).await, None);
}

#[tokio::test]
async fn a_renewal_is_written_now_and_then_and_not_at_every_request() {
    let place = Place::with_root().await;
    let token = place.login("root").await;
    for (minutes, end) in [(1, 0), (9, 0), (11, 11), (12, 11), (22, 22)] {
        assert!(place.who(&token, NOW + Millis::from_mins(minutes)).await.is_some());
        let login = place.access.login_of(token.reveal(), NOW).unwrap();
        assert_eq!(login.expires_at, NOW + Millis::from_mins(end) + LOGIN_LIFE, "used after {minutes} min");
    }
}

#[tokio::test]
async fn a_logout_ends_one_login_at_once_and_for_good() {
    let place = Place::with_root().await;
    let (gone, kept) = (place.login("root").await, place.login("root").await);
    place.access.logout(gone.reveal()).await.unwrap();
    assert_eq!(place.who(&gone, NOW).await, None);
    assert_eq!(place.who(&kept, NOW).await.as_deref(), Some("root"));
    place.access.logout(gone.reveal()).await.unwrap();
    place.access.logout("nonsense").await.unwrap();
    let place = place.restarted();
    assert_eq!(place.who(&gone, NOW).await, None);
    assert_eq!(place.who(&kept, NOW).await.as_deref(), Some("root"), "the others outlive a restart");
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_logins_and_the_oldest_gives_way() {
    let place = Place::with_root().await;
    let root = UserName::parse("root").unwrap();
    let password = place.access.inner.store.directory().password(&root);
    let mut tokens = Vec::new();
    for n in 0..=i64::try_from(LOGINS_PER_ACCOUNT_MAX).unwrap() {
        // Past the password, whose price would be most of this test.
        let token = Token::random().unwrap();
        let now = NOW + Millis::from_secs(n);
        place.access.inner.store.add_login(token.digest(), &root, password.as_deref(), now).unwrap();
        tokens.push(token);
    }
    let last = NOW + Millis::from_mins(1);
    assert_eq!(place.who(&tokens[0], last).await, None);
    for token in &tokens[1..] {
        assert!(place.who(token, last).await.is_some());
    }
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let place = Place::with_root().await;
    let token = place.login("root").await;
    let ticket = place.access.links().token(&venue("clinic"), callnext_engine::TicketId(1));
    let random = Token::random().unwrap();
    for shown in ["", "root", "../../etc", ticket.reveal(), &token.reveal()[..42], random.reveal()] {
        assert!(place.access.authenticate(shown, NOW).await.is_none(), "{shown}");
    }
}

#[tokio::test]
async fn whoever_copies_the_files_can_log_in_as_nobody() {
    let place = Place::with_root().await;
    let login = place.login("root").await;
    let (device, _) = place.access.create_device(&venue("clinic"), "door", DeviceKind::Board, NOW).await.unwrap();
    let copied = place.copied();
    for secret in [login.reveal(), device.reveal(), PASSWORD] {
        assert!(!contains(&copied, secret.as_bytes()));
    }
    assert!(contains(&copied, b"root"), "the check can find something");
}

// ---- accounts -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn an_account_is_made_changed_and_listed() {
    let place = Place::with_root().await;
    let put = place.access.put_account("Wang", Some(PASSWORD), roles_of(&[("clinic", "clerk")]), NOW).await;
    assert_eq!(put.unwrap(), Put::Created);
    let put = place.access.put_account("WANG", None, roles_of(&[("hall", "nurse")]), NOW + Millis(5)).await;
    assert_eq!(put.unwrap(), Put::Changed);
    let place = place.restarted();
    let accounts = place.access.list_accounts();
    assert_eq!(accounts.iter().map(|account| account.user.as_str()).collect::<Vec<_>>(), ["root", "Wang"]);
    assert_eq!(accounts[1].roles, roles_of(&[("hall", "nurse")]));
    assert_eq!(accounts[1].created_at, NOW);
    place.login("wang").await;
}

#[tokio::test]
async fn a_new_account_needs_a_name_and_a_good_password() {
    let place = Place::with_root().await;
    let roles = || roles_of(&[("*", "viewer")]);
    assert_eq!(code(place.access.put_account("li", None, roles(), NOW).await), "password_missing");
    assert_eq!(code(place.access.put_account("li", Some("short"), roles(), NOW).await), "password_too_short");
    assert_eq!(code(place.access.put_account("l\ni", Some(PASSWORD), roles(), NOW).await), "user_invalid");
    assert_eq!(place.access.list_accounts().len(), 1);
}

#[tokio::test]
async fn changed_roles_are_in_force_at_the_next_request() {
    let place = Place::with_root().await;
    place.put("wang", &[("clinic", "nurse")]).await;
    let token = place.login("wang").await;
    place.access.put_account("wang", None, roles_of(&[("clinic", "viewer")]), NOW).await.unwrap();
    let wang = place.access.authenticate(token.reveal(), NOW).await.unwrap();
    assert!(wang.may(Permission::SeeQueue, &venue("clinic")));
    assert!(!wang.may(Permission::AddOverflow, &venue("clinic")));
}

#[tokio::test]
async fn a_new_password_ends_the_logins_made_with_the_old_one() {
    let place = Place::with_root().await;
    place.put("wang", &[]).await;
    let (wang, root) = (place.login("wang").await, place.login("root").await);
    place.access.put_account("wang", Some(OTHER_PASSWORD), Roles::default(), NOW).await.unwrap();
    let place = place.restarted();
    assert_eq!(place.who(&wang, NOW).await, None);
    assert_eq!(place.who(&root, NOW).await.as_deref(), Some("root"));
    assert_eq!(code(place.access.login("wang", PASSWORD, NOW).await), "login_failed");
    place.access.login("wang", OTHER_PASSWORD, NOW).await.unwrap();
}

#[tokio::test]
async fn a_deleted_account_is_out_at_once_and_for_good() {
    let place = Place::with_root().await;
    place.put("wang", &[("clinic", "nurse")]).await;
    let token = place.login("wang").await;
    place.access.delete_account("Wang").await.unwrap();
    assert_eq!(place.who(&token, NOW).await, None);
    assert_eq!(code(place.access.delete_account("wang").await), "user_unknown");
    assert_eq!(code(place.access.delete_account("").await), "user_unknown");
    place.put("wang", &[]).await;
    let place = place.restarted();
    assert_eq!(place.who(&token, NOW).await, None, "not even when the name is given again");
}

#[tokio::test]
async fn the_last_administrator_of_everything_stays() {
    let place = Place::with_root().await;
    place.put("local", &[("clinic", "administrator")]).await;
    assert_eq!(code(place.access.delete_account("root").await), "last_administrator");
    let lesser = roles_of(&[("*", "manager"), ("clinic", "administrator")]);
    assert_eq!(code(place.access.put_account("ROOT", None, lesser, NOW).await), "last_administrator");
    place.put("second", &[("*", "administrator")]).await;
    place.access.delete_account("root").await.unwrap();
    assert_eq!(code(place.access.delete_account("second").await), "last_administrator");
}

#[tokio::test]
async fn an_installation_has_a_bounded_number_of_accounts() {
    let place = Place::with_root().await;
    place.insert(
        "INSERT INTO accounts WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            SELECT 'user' || i, 'user' || i, '', 0 FROM n",
        ACCOUNTS_MAX - 1,
    );
    let place = place.restarted();
    let refused = place.access.put_account("more", Some(PASSWORD), Roles::default(), NOW).await;
    assert_eq!(code(refused), "account_limit_reached");
    place.access.put_account("user7", Some(PASSWORD), Roles::default(), NOW).await.unwrap();
}

#[tokio::test]
async fn an_account_deleted_while_its_password_is_checked_does_not_get_in() {
    let place = Place::with_root().await;
    place.put("wang", &[]).await;
    let (user, known) = {
        let user = UserName::parse("wang").unwrap();
        let known = place.access.inner.store.directory().password(&user);
        (user, known)
    };
    place.access.put_account("wang", Some(OTHER_PASSWORD), Roles::default(), NOW).await.unwrap();
    let digest = Token::random().unwrap().digest();
    let late = place.access.inner.store.add_login(digest, &user, known.as_deref(), NOW);
    assert_eq!(code(late), "login_failed");
    place.access.delete_account("wang").await.unwrap();
    assert_eq!(code(place.access.inner.store.add_login(digest, &user, None, NOW)), "login_failed");
}

// ---- devices --------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_device_is_let_in_with_its_token_and_shut_out_at_once() {
    let place = Place::new();
    let clinic = venue("clinic");
    let (kiosk, device) = place.access.create_device(&clinic, " Entrance ", DeviceKind::Kiosk, NOW).await.unwrap();
    assert_eq!(device.name.as_str(), "Entrance");
    let place = place.restarted();
    let principal = place.access.authenticate(kiosk.reveal(), NOW + Millis::from_mins(60 * 24 * 400)).await.unwrap();
    assert!(principal.may(Permission::TakeTicket, &clinic));
    assert!(!principal.may(Permission::TakeTicket, &venue("hall")));
    assert_eq!(place.access.login_of(kiosk.reveal(), NOW), None, "a device has no login");

    assert_eq!(code(place.access.delete_device(&venue("hall"), "Entrance").await), "device_unknown");
    place.access.delete_device(&clinic, "Entrance").await.unwrap();
    assert_eq!(place.who(&kiosk, NOW).await, None);
    assert_eq!(code(place.access.delete_device(&clinic, "Entrance").await), "device_unknown");
    assert!(place.restarted().access.list_devices(&clinic).is_empty());
}

#[tokio::test]
async fn a_device_has_a_name_of_its_own_at_its_venue() {
    let place = Place::new();
    let (clinic, hall) = (venue("clinic"), venue("hall"));
    for (at, name) in [(&clinic, "b"), (&clinic, "a"), (&hall, "a")] {
        place.access.create_device(at, name, DeviceKind::Board, NOW).await.unwrap();
    }
    let again = place.access.create_device(&clinic, "a", DeviceKind::Kiosk, NOW).await;
    assert_eq!(code(again), "device_exists");
    assert_eq!(code(place.access.create_device(&clinic, "", DeviceKind::Kiosk, NOW).await), "device_invalid");
    let listed = place.access.list_devices(&clinic);
    assert_eq!(listed.iter().map(|device| device.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn a_venue_has_a_bounded_number_of_devices() {
    let place = Place::new();
    place.insert(
        "INSERT INTO devices WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            SELECT 'clinic', 'device' || i, 'board', randomblob(32), 0 FROM n",
        DEVICES_PER_VENUE_MAX,
    );
    let place = place.restarted();
    let refused = place.access.create_device(&venue("clinic"), "more", DeviceKind::Board, NOW).await;
    assert_eq!(code(refused), "device_limit_reached");
    place.access.create_device(&venue("hall"), "more", DeviceKind::Board, NOW).await.unwrap();
}

// ---- the files ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_damaged_row_is_reported_and_not_skipped() {
    let place = Place::with_root().await;
    let path = place.folder.path().join("accounts.sqlite");
    Connection::open(path).unwrap().execute("UPDATE roles SET role = 'king'", ()).unwrap();
    let refused = Access::open(place.folder.path()).unwrap_err();
    assert!(refused.to_string().contains("damaged: table roles"), "{refused}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_changes_nothing() {
    let place = Place::with_root().await;
    let token = place.login("root").await;
    lock_file(&place, || {
        let refused = place.access.inner.store.delete_login(token.digest());
        assert_eq!(code(refused), "access_unavailable");
    });
    assert_eq!(place.who(&token, NOW).await.as_deref(), Some("root"), "what was not kept is not in force");
}

/// Runs `during` while another program holds the accounts file.
fn lock_file(place: &Place, during: impl FnOnce()) {
    place.access.inner.store.give_up_at_once();
    let other = Connection::open(place.folder.path().join("accounts.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    during();
}
