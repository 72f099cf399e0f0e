//! A mapping: how records of any shape become the columns of a kind. `docs/mapping.md` is its manual.
//!
//! Only what is right gets here: columns exist, pointers parse, constants fit their columns. The
//! decoder turns this into a plan of its own. Leaves out: the YAML, and the bytes.

use std::collections::BTreeMap;
use std::fmt;

use chrono_tz::Tz;
use regex::Regex;

/// What an `adapter: mapped` source says about its records.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The first that what is delivered is counts; what it holds is then delivered.
    pub batches: Vec<Batch>,
    /// Where the record lies inside what is delivered: the first of these that leads to an object.
    /// Where none does, what is delivered is the record.
    pub unwrap: Vec<Pointer>,
    /// All must hold, or the record is filtered.
    pub keep: Vec<Condition>,
    /// If one holds, the record is filtered.
    pub drop: Vec<Condition>,
    pub remember: Vec<Remember>,
    /// In the order in which a record's events are numbered; at least one.
    pub emits: Vec<Emit>,
}

/// What elements leave behind for those after them in the object.
#[derive(Debug, Clone)]
pub struct Remember {
    /// Whose it is: elements with the same text here share it.
    pub by: Field,
    pub from: Vec<Memo>,
}

/// Elements that leave something behind; the fields are what.
#[derive(Debug, Clone)]
pub struct Memo {
    pub elements: Emit,
    /// Only an element whose number there is higher replaces what is remembered.
    pub highest: Option<Pointer>,
    /// Also for elements before it, if they are of the same record.
    pub ahead: bool,
}

/// A record that stands for many.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Each value there is a record: an object, or the text of one. A record is such a batch if the
    /// steps before the first `*` lead somewhere.
    pub pointer: Pointer,
    /// If one holds, the batch is filtered.
    pub drop: Vec<Condition>,
}

/// One kind of event that records hold.
#[derive(Debug, Clone)]
pub struct Emit {
    /// From the record inwards: each level starts from an element of the one before. Empty: the
    /// record is the element.
    pub explode: Vec<Level>,
    pub keep: Vec<Condition>,
    pub drop: Vec<Condition>,
    /// By column.
    pub fields: BTreeMap<String, Field>,
}

/// A list or object whose elements are taken one by one.
#[derive(Debug, Clone)]
pub struct Level {
    pub pointer: Pointer,
    /// Where it leads nowhere, what it starts from is the one element.
    pub or_self: bool,
}

/// What feeds a column: the first rule whose conditions hold; the column is absent if none does.
#[derive(Debug, Clone)]
pub struct Field {
    pub rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub struct Rule {
    /// All must hold.
    pub when: Vec<Condition>,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub enum Expr {
    /// The same in every event; None is absent.
    Constant(Option<String>),
    Read(Read),
    Join(Join),
}

/// Texts, one after the other; absent if one of them is.
#[derive(Debug, Clone)]
pub struct Join {
    pub parts: Vec<Part>,
    /// Stands between them.
    pub with: String,
}

#[derive(Debug, Clone)]
pub enum Part {
    Constant(String),
    /// The first that finds a value counts.
    Read(Vec<Pointer>),
}

/// A value of the record, and what is made of it.
#[derive(Debug, Clone)]
pub struct Read {
    /// The first that finds a value counts.
    pub pointers: Vec<Pointer>,
    /// Instead of pointers: what elements left behind under the first of these names that has
    /// something.
    pub remembered: Vec<String>,
    /// Which of many values, where a pointer holds a `*`.
    pub take: Take,
    /// Of the value's text, what its first group matches; nothing if it does not match.
    pub extract: Option<Regex>,
    pub format: Format,
    /// For times without an offset; None is the source's.
    pub zone: Option<Tz>,
    /// What a number is multiplied by, in millionths; the result is rounded down, or for decimals to
    /// the nearest millionth.
    pub scale: Option<i64>,
    /// From a value's text to a constant; None is absent.
    pub map: Option<BTreeMap<String, Option<String>>>,
    pub unmapped: Unmapped,
    /// For a value that is absent, or not in the map.
    pub default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    First,
    Last,
}

/// What becomes of a value that the map does not name, where there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmapped {
    Refuse,
    Keep,
    Absent,
}

/// How an instant or a date is spelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// As the canonical format wants it.
    Plain,
    /// A number since 1970 whose unit is this power of ten of a microsecond: 6 for seconds.
    Epoch(i64),
    /// chrono's `strftime` pattern; `zoned` if it reads an offset.
    Pattern { text: String, zoned: bool },
}

#[derive(Debug, Clone)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// Holds if one of the pointer's values passes.
    Holds {
        pointer: Pointer,
        test: Test,
    },
}

#[derive(Debug, Clone)]
pub enum Test {
    /// Any value but null and empty text.
    Exists,
    In(Vec<String>),
    Matches(Regex),
    /// Equal text to the first value there.
    SameAs(Pointer),
    AtLeast(f64),
    Below(f64),
}

/// A JSON pointer, from the element at hand, one around it, or the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    pub base: Base,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    Element,
    /// The element that this many levels of explode are taken from.
    Around(usize),
    Record,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The member of that name, or the element of that number.
    Key(String),
    /// `*`: every member or element.
    Each,
    /// `@json`: what the text holds as JSON.
    Json,
    /// `@json-or-text`: the same where it is JSON; otherwise the text itself.
    JsonOrText,
    /// `key=value`: the first member or element whose `key` is that.
    Where { key: String, is: String },
    /// `@key`: the name under which the value itself stands.
    OwnKey,
    /// `@index`: its place among its siblings, from 0.
    OwnIndex,
}

impl Pointer {
    /// Reads a pointer; an error is one sentence.
    pub fn parse(text: &str) -> Result<Pointer, String> {
        let (base, mut rest) = match text.strip_prefix('^') {
            Some(rest) => (Base::Record, rest),
            None => levels(text),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let Some(after) = rest.strip_prefix('/') else {
                return Err(format!("`{text}` is not a pointer"));
            };
            let end = after.find('/').unwrap_or(after.len());
            steps.push(step(&after[..end])?);
            rest = &after[end..];
        }
        let own = |step: &Step| matches!(step, Step::OwnKey | Step::OwnIndex);
        if steps.len() > 1 && steps.iter().any(own) {
            return Err(format!("in `{text}`, @key and @index stand alone after the base"));
        }
        if steps.len() > MOST_STEPS {
            return Err(format!("`{text}` has more than {MOST_STEPS} steps"));
        }
        Ok(Pointer { base, steps })
    }

    /// Can it find more than one value?
    pub fn is_wide(&self) -> bool {
        self.steps.contains(&Step::Each)
    }
}

/// Deeper than any record may nest.
const MOST_STEPS: usize = 32;

/// `..`, `../..` and so on.
fn levels(text: &str) -> (Base, &str) {
    let Some(mut rest) = text.strip_prefix("..") else { return (Base::Element, text) };
    let mut around = 1;
    while let Some(after) = rest.strip_prefix("/..") {
        if !after.is_empty() && !after.starts_with('/') {
            break;
        }
        around += 1;
        rest = after;
    }
    (Base::Around(around), rest)
}

fn step(segment: &str) -> Result<Step, String> {
    Ok(match segment {
        "*" => Step::Each,
        "@json" => Step::Json,
        "@json-or-text" => Step::JsonOrText,
        "@key" => Step::OwnKey,
        "@index" => Step::OwnIndex,
        _ => match unescaped_equals(segment) {
            Some(at) if at > 0 => {
                let (key, is) = (&segment[..at], &segment[at + 1..]);
                Step::Where { key: unescape(key)?, is: unescape(is)? }
            }
            _ => Step::Key(unescape(segment)?),
        },
    })
}

fn unescaped_equals(segment: &str) -> Option<usize> {
    let mut escaped = false;
    segment.char_indices().find_map(|(at, c)| {
        let found = c == '=' && !escaped;
        escaped = c == '~' && !escaped;
        found.then_some(at)
    })
}

/// RFC 6901's `~0` and `~1`, and a tilde before what is special here.
fn unescape(segment: &str) -> Result<String, String> {
    let mut text = String::with_capacity(segment.len());
    let mut chars = segment.chars();
    while let Some(c) = chars.next() {
        text.push(match (c, chars.as_str().chars().next()) {
            ('~', Some(next @ ('0' | '1' | '*' | '@' | '='))) => {
                chars.next();
                match next {
                    '0' => '~',
                    '1' => '/',
                    other => other,
                }
            }
            ('~', _) => return Err(format!("in `{segment}`, write ~0 for a tilde")),
            (other, _) => other,
        });
    }
    Ok(text)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Element => (),
            Base::Around(levels) => {
                f.write_str(&["..", "/"].repeat(levels).concat()[..levels * 3 - 1])?
            }
            Base::Record => f.write_str("^")?,
        }
        for step in &self.steps {
            match step {
                Step::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?,
                Step::Each => f.write_str("/*")?,
                Step::Json => f.write_str("/@json")?,
                Step::JsonOrText => f.write_str("/@json-or-text")?,
                Step::Where { key, is } => write!(f, "/{key}={is}")?,
                Step::OwnKey => f.write_str("/@key")?,
                Step::OwnIndex => f.write_str("/@index")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers() {
        let key = |text: &str| Step::Key(text.to_owned());
        let is = |text: &str, base, steps: &[Step]| {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer, Pointer { base, steps: steps.to_vec() }, "{text}");
            pointer.to_string()
        };
        assert_eq!(is("", Base::Element, &[]), "");
        assert_eq!(is("/a/0/b", Base::Element, &[key("a"), key("0"), key("b")]), "/a/0/b");
        assert_eq!(is("^/chat/id", Base::Record, &[key("chat"), key("id")]), "^/chat/id");
        assert_eq!(is("../a", Base::Around(1), &[key("a")]), "../a");
        assert_eq!(is("../../@index", Base::Around(2), &[Step::OwnIndex]), "../../@index");
        assert_eq!(is("^/@key", Base::Record, &[Step::OwnKey]), "^/@key");
        assert_eq!(is("/a~1b/~0", Base::Element, &[key("a/b"), key("~")]), "/a~1b/~0");
        is(
            "/~*/~@json/a~=b/@timestamp",
            Base::Element,
            &[key("*"), key("@json"), key("a=b"), key("@timestamp")],
        );
        is("//a", Base::Element, &[key(""), key("a")]);
        let found = Step::Where { key: "key".to_owned(), is: "user.id".to_owned() };
        is("/*/key=user.id/@json", Base::Element, &[Step::Each, found, Step::Json]);
        assert_eq!(
            is("/a/@json-or-text", Base::Element, &[key("a"), Step::JsonOrText]),
            "/a/@json-or-text"
        );
        for bad in ["a", "a/b", "^a", "...", "/a/@key", "/@index/b", "/~2"] {
            assert!(Pointer::parse(bad).is_err(), "{bad}");
        }
        assert!(Pointer::parse(&"/a".repeat(33)).is_err());
    }
}
