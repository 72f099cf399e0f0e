//! The demo's shop: its services, channels, words and rates. Constants only.

/// A chatbot of the shop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bot {
    Shop,
    Billing,
}

pub const BOTS: [Bot; 2] = [Bot::Shop, Bot::Billing];

impl Bot {
    pub fn name(self) -> &'static str {
        match self {
            Bot::Shop => "shop",
            Bot::Billing => "billing",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    Web,
    App,
    Whatsapp,
}

pub const CHANNELS: [Channel; 3] = [Channel::Web, Channel::App, Channel::Whatsapp];

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Channel::Web => "web",
            Channel::App => "app",
            Channel::Whatsapp => "whatsapp",
        }
    }
}

/// What customers want.
pub struct Service {
    pub name: &'static str,
    pub bot: Bot,
    /// The rollout gives it to the bot.
    pub treated: bool,
    /// A chat about it may end in a lead.
    pub sells: bool,
    /// How often a chat is about it.
    pub chats: f64,
    /// Human contacts a day for a thousand users before the rollout.
    pub contacts: f64,
    /// Median seconds that a person needs for it.
    pub handle_seconds: f64,
    pub intents: [&'static str; 3],
    /// The goal that a solved chat may reach.
    pub goal: &'static str,
    /// What customers write, already escaped for JSON.
    pub phrases: [&'static str; 4],
}

pub const SERVICES: [Service; 5] = [
    Service {
        name: "returns",
        bot: Bot::Shop,
        treated: true,
        sells: false,
        chats: 1.0,
        contacts: 5.6,
        handle_seconds: 380.0,
        intents: ["return_start", "return_label", "refund_status"],
        goal: "return_registered",
        phrases: [
            "Hur returnerar jag en vara?",
            "I want to send back my shoes",
            "Var är min retursedel \u{1F4E6}?",
            "The label says \\\"invalid code\\\"",
        ],
    },
    Service {
        name: "delivery",
        bot: Bot::Shop,
        treated: true,
        sells: false,
        chats: 1.1,
        contacts: 4.6,
        handle_seconds: 260.0,
        intents: ["where_is_parcel", "delivery_change", "parcel_damaged"],
        goal: "delivery_rebooked",
        phrases: [
            "Var är mitt paket?",
            "Can you deliver on Saturday instead?",
            "Paketet är trasigt :(",
            "Tracking stopped three days ago",
        ],
    },
    Service {
        name: "orders",
        bot: Bot::Shop,
        treated: false,
        sells: true,
        chats: 1.5,
        contacts: 4.4,
        handle_seconds: 300.0,
        intents: ["order_status", "product_question", "order_change"],
        goal: "order_changed",
        phrases: [
            "Finns den i storlek 42?",
            "Is the blue jacket back soon?",
            "Jag vill ändra min order",
            "Do you ship to Finland?",
        ],
    },
    Service {
        name: "billing",
        bot: Bot::Billing,
        treated: false,
        sells: false,
        chats: 0.9,
        contacts: 3.9,
        handle_seconds: 420.0,
        intents: ["invoice_copy", "payment_plan", "wrong_amount"],
        goal: "invoice_sent",
        phrases: [
            "Jag har fått fel faktura",
            "Please send the invoice again",
            "Kan jag dela upp betalningen?",
            "Why was I charged twice?",
        ],
    },
    Service {
        name: "account",
        bot: Bot::Billing,
        treated: false,
        sells: false,
        chats: 0.6,
        contacts: 2.4,
        handle_seconds: 210.0,
        intents: ["password_reset", "address_change", "close_account"],
        goal: "address_changed",
        phrases: [
            "Jag kan inte logga in",
            "How do I change my address?",
            "Glömt lösenord",
            "Please delete my account",
        ],
    },
];

pub const LOCALES: [(&str, f64); 4] =
    [("sv-SE", 0.68), ("en-GB", 0.19), ("fi-FI", 0.08), ("de-DE", 0.05)];

pub const COMPLAINTS: [(&str, f64); 4] =
    [("not_understood", 4.0), ("wrong_answer", 3.0), ("too_slow", 1.0), ("no_human", 2.0)];

/// Before the rollout and from it on.
pub const SHOP_VERSIONS: [&str; 2] = ["1.8.2", "2.0.0"];
pub const BILLING_VERSION: &str = "3.4.1";

/// What a person's hour costs, in millionths of a euro; as in the demo's pipeline.
pub const HOURLY_RATE: i64 = 28_500_000;
/// What the mail agency takes for a mail, in millionths.
pub const MAIL_PRICE: i64 = 4_900_000;
/// Seconds that an agent spends on a chat taken over from the bot.
pub const TAKEOVER_SECONDS: i64 = 240;
