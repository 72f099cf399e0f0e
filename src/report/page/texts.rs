//! What the page says, in its languages: the families and names of metrics (`sql/report/`) and the
//! page's own sentences (`words.yaml`). A new metric is a line of YAML here and no Rust.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::model::Family;

const METRICS: &str = include_str!("../../../sql/report/metrics.yaml");
const WORDS: &str = include_str!("words.yaml");

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Swedish,
    Portuguese,
}

impl Language {
    pub const ALL: [Language; 3] = [Language::English, Language::Swedish, Language::Portuguese];

    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Swedish => "sv",
            Language::Portuguese => "pt",
        }
    }
}

/// The same in each language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    en: String,
    sv: String,
    pt: String,
}

impl Said {
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Swedish => &self.sv,
            Language::Portuguese => &self.pt,
        }
    }
}

/// What English has in the contract already.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translated {
    sv: String,
    pt: String,
}

impl Translated {
    /// None: the contract's own words.
    pub fn in_language(&self, language: Language) -> Option<&str> {
        match language {
            Language::English => None,
            Language::Swedish => Some(&self.sv),
            Language::Portuguese => Some(&self.pt),
        }
    }
}

/// `sql/report/metrics.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nouns {
    pub families: Vec<FamilyText>,
    pub outcomes: Vec<OutcomeText>,
    pub retention: Vec<WindowText>,
    units: BTreeMap<String, Said>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyText {
    pub family: Family,
    pub title: Said,
    pub metrics: Vec<MetricText>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricText {
    pub metric: String,
    /// Other names of the same number.
    #[serde(default)]
    pub also: Vec<String>,
    /// Stands in the page's first table.
    #[serde(default)]
    pub glance: bool,
    /// Where days do not add up: which of them stands for all.
    #[serde(default)]
    pub over: Pick,
    pub name: Said,
    pub doc: Translated,
}

/// The day that stands for a period whose days do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    #[default]
    Median,
    Last,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeText {
    pub outcome: String,
    pub group: String,
    pub mark: String,
    pub name: Said,
}

impl OutcomeText {
    /// A state that the list does not name.
    pub fn unknown(outcome: &str) -> OutcomeText {
        let name = outcome.replace('_', " ");
        OutcomeText {
            outcome: outcome.to_owned(),
            group: "quiet".to_owned(),
            mark: "dots".to_owned(),
            name: Said { en: name.clone(), sv: name.clone(), pt: name },
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowText {
    pub window: String,
    pub days: u32,
}

/// All texts, in one language.
#[derive(Debug, Clone)]
pub struct Texts {
    pub language: Language,
    pub nouns: Nouns,
    words: BTreeMap<String, Said>,
}

impl Texts {
    /// # Errors
    /// Internal where the texts that came with the program cannot be read.
    pub fn read(language: Language) -> Result<Texts> {
        let unread = |e: serde_yaml::Error| {
            Error::internal("the texts of the report cannot be read").because(e)
        };
        Ok(Texts {
            language,
            nouns: serde_yaml::from_str(METRICS).map_err(unread)?,
            words: serde_yaml::from_str(WORDS).map_err(unread)?,
        })
    }

    /// The sentence under `key`, or the key where there is none.
    pub fn say(&self, key: &str) -> String {
        let said = self.words.get(key).map(|said| said.in_language(self.language));
        said.unwrap_or(key).to_owned()
    }

    /// The sentence under `key` with `{name}` filled in.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        // In one pass: what is filled in may hold braces of its own.
        let (mut told, said) = (String::new(), self.say(key));
        let mut rest = said.as_str();
        while let Some((head, tail)) = rest.split_once('{') {
            told.push_str(head);
            let Some((name, after)) = tail.split_once('}') else { break };
            let value = values.iter().find(|(known, _)| *known == name);
            told.push_str(value.map_or(name, |(_, value)| value));
            rest = after;
        }
        told.push_str(rest);
        told
    }

    /// What a contract's unit counts.
    pub fn unit(&self, unit: &str) -> String {
        let said = self.nouns.units.get(unit).map(|said| said.in_language(self.language));
        said.unwrap_or(unit).to_owned()
    }

    /// Where and how the metric is named.
    pub fn metric(&self, metric: &str) -> Option<(Family, &MetricText)> {
        let all = self.nouns.families.iter();
        let mut all = all.flat_map(|f| f.metrics.iter().map(move |m| (f.family, m)));
        all.find(|(_, text)| text.metric == metric)
    }

    /// Whether the metric is another one's other name.
    pub fn is_other_name(&self, metric: &str) -> bool {
        let mut all = self.nouns.families.iter().flat_map(|f| &f.metrics);
        all.any(|text| text.also.iter().any(|name| name == metric))
    }

    /// Whether there is a sentence under `key`.
    #[cfg(test)]
    pub fn knows(&self, key: &str) -> bool {
        self.words.contains_key(key)
    }
}
