//! The shop's customers: who arrives when, who comes back, and where they like to chat.
//!
//! A customer is a few bytes, so millions fit; each day walks over everyone who has arrived.

use super::calendar::{Calendar, Traffic};
use super::chance::Chance;
use super::world::{Bot, CHANNELS, Channel, LOCALES, SERVICES};

/// The share of customers that the shop has on its first day.
const OLD_CUSTOMERS: f64 = 0.6;
/// Daily probability of a chat, by habit, with how many customers have it.
const HABITS: [(f64, f64); 4] = [(0.0015, 50.0), (0.020, 33.0), (0.080, 13.0), (0.350, 4.0)];
/// How likely a customer with an unsolved question is back on the day it comes up again.
const UNSOLVED_RETURN: f64 = 0.55;
/// The share of customers who ask the bot about the new services while it cannot solve them.
const CHATS_BEFORE_ROLLOUT: f64 = 0.45;

/// A customer; `number` in [`People::number`] is the id that the logs show.
#[derive(Clone, Copy)]
pub struct User {
    habit: u8,
    pub locale: u8,
    home: u8,
    /// Never signs in: known by a cookie on the web alone.
    pub guest: bool,
    /// What the open question was about.
    topic: u8,
    /// The day on which it comes up again; -1: never.
    due: i32,
    last_contact: i32,
}

/// A wish to chat.
#[derive(Clone, Copy)]
pub struct Wish {
    pub bot: Bot,
    pub channel: Channel,
    /// Index into [`SERVICES`].
    pub service: usize,
}

pub struct People {
    users: Vec<User>,
    /// How many were there before the first day.
    old: usize,
    /// How many have arrived by the end of each day.
    arrived: Vec<usize>,
}

impl People {
    pub fn new(users: u32, calendar: &Calendar) -> Self {
        let old = f64::from(users) * OLD_CUSTOMERS;
        let levels: Vec<f64> =
            (0..calendar.days).map(|day| calendar.level(day, Traffic::Chat)).collect();
        let total: f64 = levels.iter().sum();
        let mut sum = 0.0;
        let arrived = levels.iter().map(|level| {
            sum += level;
            (old + (f64::from(users) - old) * (sum / total)) as usize
        });
        let mut arrived: Vec<usize> = arrived.collect();
        if let Some(last) = arrived.last_mut() {
            *last = users as usize;
        }
        People { users: Vec::with_capacity(users as usize), old: old as usize, arrived }
    }

    /// Lets the day's new customers in; returns the index of the first of them. On day 0 those who
    /// were there before are not new: only the others come to chat for certain.
    pub fn admit(&mut self, day: i32, chance: &mut Chance) -> usize {
        let before = self.users.len();
        let until = self.arrived[day as usize];
        for _ in before..until {
            self.users.push(newcomer(chance));
        }
        if day == 0 { self.old } else { before }
    }

    pub fn len(&self) -> usize {
        self.users.len()
    }

    pub fn user(&self, index: usize) -> &User {
        &self.users[index]
    }

    /// The customer number that the logs carry.
    pub fn number(index: usize) -> u64 {
        1_000_003 + 7 * index as u64
    }

    /// Whether and for what a customer chats today; `level` is how busy the day is.
    pub fn wish(
        &mut self,
        index: usize,
        day: i32,
        level: f64,
        ramp: f64,
        chance: &mut Chance,
    ) -> Option<Wish> {
        let user = self.users[index];
        if user.due == day {
            self.users[index].due = -1;
            if chance.hit(UNSOLVED_RETURN) {
                return Some(settle(&user, user.topic as usize, chance));
            }
        }
        let p = HABITS[user.habit as usize].0 * level;
        if !chance.hit(p) {
            return None;
        }
        self.new_wish(index, ramp, chance)
    }

    /// The wish of a customer who thinks of the shop today. Where the bot is not known to help with
    /// it, many do not ask it; they ask it nothing else instead, so that other services are left
    /// alone by the rollout.
    pub fn new_wish(&self, index: usize, ramp: f64, chance: &mut Chance) -> Option<Wish> {
        let choices: [(usize, f64); SERVICES.len()] =
            std::array::from_fn(|n| (n, SERVICES[n].chats));
        let service = chance.pick(&choices);
        let known = CHATS_BEFORE_ROLLOUT + (1.0 - CHATS_BEFORE_ROLLOUT) * ramp;
        let asks = chance.hit(known) || !SERVICES[service].treated;
        asks.then(|| settle(&self.users[index], service, chance))
    }

    /// The chat ended with the question open: it comes up again in a few days.
    pub fn unsolved(&mut self, index: usize, service: usize, day: i32, chance: &mut Chance) {
        let user = &mut self.users[index];
        user.topic = service as u8;
        user.due = day + chance.between(1, 6) as i32;
    }

    /// Notes a human contact; true where it is the customer's first within a week.
    pub fn contacted(&mut self, index: usize, day: i32) -> bool {
        let last = std::mem::replace(&mut self.users[index].last_contact, day);
        last + 7 < day
    }
}

fn newcomer(chance: &mut Chance) -> User {
    let habits = [0, 1, 2, 3].map(|n| (n as u8, HABITS[n].1));
    let locales = [0, 1, 2, 3].map(|n| (n as u8, LOCALES[n].1));
    let home = chance.pick(&[(0_u8, 0.50), (1, 0.27), (2, 0.23)]);
    User {
        habit: chance.pick(&habits),
        locale: chance.pick(&locales),
        home,
        guest: home == 0 && chance.hit(0.4),
        topic: 0,
        due: -1,
        last_contact: -1000,
    }
}

/// The service's bot, and a channel.
fn settle(user: &User, service: usize, chance: &mut Chance) -> Wish {
    let bot = SERVICES[service].bot;
    let channel = if user.guest {
        Channel::Web
    } else if chance.hit(0.88) {
        CHANNELS[user.home as usize]
    } else {
        CHANNELS[chance.below(CHANNELS.len())]
    };
    Wish { bot, channel, service }
}
