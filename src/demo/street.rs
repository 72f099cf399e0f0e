//! One day of the shop's street: who chats, when, and under which names the logs know them.

use super::aftermath;
use super::books::{Books, Trace, slice};
use super::calendar::{Calendar, DAY, HOUR, Slot, Traffic};
use super::chance::Chance;
use super::chat::{self, End, Scene};
use super::delivery::Delivery;
use super::ledger::Ledger;
use super::line::{Line, Thread, push_key, push_number, push_text};
use super::office::Office;
use super::people::{People, Wish};
use super::probes::Outages;
use super::world::{BILLING_VERSION, Bot, Channel, LOCALES, SERVICES, SHOP_VERSIONS};

/// The share of chats that the company's own testers make.
const TESTS: f64 = 0.005;
/// Every so many days one customer begins a conversation that does not rest for three.
const ENDLESS_EVERY: i32 = 30;

/// Streams of chance of their own for each customer's day and for each chat: whoever chats more
/// moves nobody else, so that two shops of one seed differ by their rollouts alone.
const CUSTOMERS: u64 = 1 << 32;
const CHATS: u64 = 2 << 32;

/// What a day needs and changes.
pub struct Today<'a, 'c> {
    pub day: i32,
    pub calendar: &'c Calendar,
    pub outages: &'a Outages,
    pub people: &'a mut People,
    pub delivery: &'a mut Delivery<'c>,
    pub office: &'a mut Office<'c>,
    pub ledger: &'a mut Ledger,
    pub books: &'a mut Books,
    /// The number of the next thread.
    pub serial: &'a mut u64,
}

/// The hours of the day and its own stream of chance.
struct Day {
    hours: Vec<(i64, f64)>,
    chance: Chance,
    end: i64,
    endless: bool,
}

/// Lets everybody chat who wants to today.
pub fn open(today: &mut Today, seed: u64) {
    let calendar = today.calendar;
    let hour = |slot: &Slot| (slot.start, slot.weight);
    let mut day = Day {
        hours: calendar.slots(today.day, Traffic::Chat).iter().map(hour).collect(),
        chance: Chance::new(seed, 5, today.day),
        end: calendar.day_end(today.day),
        endless: today.day % ENDLESS_EVERY == 9,
    };
    today.delivery.new_day(seed, today.day);
    let ramp = calendar.ramp(today.day);
    let level = calendar.level(today.day, Traffic::Chat);
    let newcomers = today.people.admit(today.day, &mut day.chance);
    let mut line = Line::new();
    for index in 0..today.people.len() {
        day.chance = Chance::new(seed, CUSTOMERS + index as u64, today.day);
        let wish = if index >= newcomers {
            today.people.new_wish(index, ramp, &mut day.chance)
        } else {
            today.people.wish(index, today.day, level, ramp, &mut day.chance)
        };
        let Some(wish) = wish else { continue };
        let mut scene = Scene {
            calendar,
            outages: today.outages,
            delivery: today.delivery,
            ledger: today.ledger,
            chance: Chance::new(seed, CHATS + index as u64, today.day),
            line,
            ramp,
            trace: Trace::default(),
        };
        let after = visit(&mut scene, &mut day, wish, index, today.people, today.serial, today.day);
        line = scene.line;
        let guest = today.people.user(index).guest;
        today.books.chat(today.day, (!guest).then_some(index), &scene.trace);
        if let Some(at) = after {
            today.people.unsolved(index, wish.service, today.day, &mut day.chance);
            if !today.people.user(index).guest {
                today.office.unsolved(index, wish.service, at);
            }
        }
    }
}

/// Plays a chat; returns when it ended if the customer's question stayed open.
fn visit(
    scene: &mut Scene,
    day: &mut Day,
    wish: Wish,
    index: usize,
    people: &People,
    serial: &mut u64,
    number: i32,
) -> Option<i64> {
    *serial += 1;
    let start = day.chance.pick(&day.hours) + day.chance.between(0, HOUR);
    let mut thread = thread(scene, &mut day.chance, wish, index, people, *serial, number);
    scene.delivery.tally.chats += 1;
    if day.endless && wish.channel == Channel::Whatsapp && !thread.test {
        day.endless = false;
        chat::endless(scene, &mut thread, wish.service, start);
        return None;
    }
    let end = chat::play(scene, &mut thread, wish.service, start);
    scene.trace.slice = (!thread.test).then(|| slice(&thread, wish.service));
    if thread.first < day.end && day.end <= thread.last {
        scene.delivery.tally.chats_over_midnight += 1;
    }
    if SERVICES[wish.service].sells && !thread.guest && !thread.test && scene.chance.hit(0.03) {
        *serial += 1;
        later_lead(scene, &thread, *serial);
    }
    let open = matches!(end, End::Left | End::Waiting) && !thread.test;
    (open && scene.chance.hit(0.6)).then_some(thread.last)
}

/// An order on the phone, days after the chat: known by the customer's number alone.
fn later_lead(scene: &mut Scene, chat: &Thread, serial: u64) {
    let mut thread = Thread {
        serial,
        lines: 0,
        common: Vec::new(),
        version: Vec::new(),
        service: chat.service.clone(),
        person: chat.person.clone(),
        ..*chat
    };
    push_text(&mut thread.common, "bot", chat.bot.name());
    push_text(&mut thread.common, "channel", chat.channel.name());
    let at = chat.last + scene.chance.between(HOUR, 6 * DAY);
    aftermath::lead(scene, &mut thread, at);
}

/// Under which names the platform logs a chat.
fn thread(
    scene: &Scene,
    chance: &mut Chance,
    wish: Wish,
    index: usize,
    people: &People,
    serial: u64,
    day: i32,
) -> Thread {
    let test = chance.hit(TESTS);
    let user = people.user(index);
    // The billing bot's WhatsApp has no conversation ids: there the user is the key.
    let person_everywhere = wish.bot == Bot::Billing && wish.channel == Channel::Whatsapp;
    let mut thread = Thread {
        serial,
        bot: wish.bot,
        channel: wish.channel,
        test,
        guest: user.guest && !test,
        common: Vec::with_capacity(128),
        version: Vec::with_capacity(32),
        service: Vec::with_capacity(32),
        person: Vec::with_capacity(96),
        person_everywhere,
        lines: 0,
        last: 0,
        first: 0,
    };
    names(&mut thread, index);
    let version = match wish.bot {
        Bot::Shop => SHOP_VERSIONS[usize::from(day >= scene.calendar.rollout)],
        Bot::Billing => BILLING_VERSION,
    };
    push_text(&mut thread.version, "bot_version", version);
    // A few chats were never understood to be about anything.
    if !chance.hit(0.02) {
        push_text(&mut thread.service, "service", SERVICES[wish.service].name);
    }
    person(&mut thread, chance, index, LOCALES[user.locale as usize].0);
    thread
}

/// Bot, channel, conversation and flags: what every line of the chat carries.
fn names(thread: &mut Thread, index: usize) {
    let common = &mut thread.common;
    push_text(common, "bot", thread.bot.name());
    push_text(common, "channel", thread.channel.name());
    if !thread.person_everywhere {
        push_key(common, "conversation_id");
        if thread.channel == Channel::Whatsapp && !thread.test {
            // One thread for life: only the timeout cuts it into sessions.
            common.extend_from_slice(b"\"wa-");
            push_number(common, People::number(index));
        } else {
            common.extend_from_slice(b"\"v");
            push_number(common, thread.serial);
        }
        common.push(b'"');
    }
    common.extend_from_slice(b",\"variant\":null");
    if thread.test {
        common.extend_from_slice(b",\"is_test\":true");
    }
}

/// Who the user is, as far as the platform knows.
fn person(thread: &mut Thread, chance: &mut Chance, index: usize, locale: &str) {
    let out = &mut thread.person;
    let number = People::number(index);
    if thread.test {
        push_text(out, "user_id", ["qa-1", "qa-2", "qa-3"][index % 3]);
    } else if thread.guest {
        // Some refuse cookies, some have lost theirs.
        if chance.hit(0.08) {
            return;
        }
        let lost = chance.hit(0.3);
        push_key(out, "user_id");
        out.extend_from_slice(if lost { b"\"g" } else { b"\"c" });
        push_number(out, if lost { thread.serial } else { number });
        out.push(b'"');
        push_text(out, "identity_kind", "anonymous");
    } else {
        push_key(out, "user_id");
        // The same customer number: a text to the shop's bot, a number to the billing bot.
        let quote: &[u8] = if thread.bot == Bot::Shop { b"\"" } else { b"" };
        out.extend_from_slice(quote);
        push_number(out, number);
        out.extend_from_slice(quote);
        let kind = match thread.channel {
            Channel::Whatsapp => "unknown",
            Channel::Web | Channel::App => "authenticated",
        };
        push_text(out, "identity_kind", kind);
    }
    push_text(out, "locale", locale);
}
