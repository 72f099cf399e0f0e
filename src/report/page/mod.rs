//! The report as one page: HTML that needs no network and no script, drawn for phones, desks and
//! paper, light and dark.
//!
//! [`html`] is a pure function of rows of published tables: the same rows give the same bytes.
//! Rust decides numbers, words and places; the templates lay them out, and every text
//! goes through the template's escaping, because names of bots and metrics come from logs and
//! strangers. Leaves out: reading the tables (`run::told`).

mod card;
mod chart;
mod flow;
mod locale;
mod material;
mod period;
#[cfg(test)]
mod tests;
mod texts;
mod told;

pub use material::{Bucket, Cell, Cohort, Definition, Ingested, Load, Material, OutcomeDay, Span};
pub use texts::Language;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

use crate::error::{Error, Result};
use card::{DefinitionView, FamilyView, Maker};
use flow::{Outcomes, Times, Triangle};
use locale::Locale;
use texts::Texts;
use told::{Quality, RolloutView};

const TEMPLATES: [(&str, &str); 6] = [
    ("page.html", include_str!("page.html")),
    ("charts.html", include_str!("charts.html")),
    ("outcomes.html", include_str!("outcomes.html")),
    ("rollouts.html", include_str!("rollouts.html")),
    ("times.html", include_str!("times.html")),
    ("triangle.html", include_str!("triangle.html")),
];
const STYLE: &str = include_str!("style.css");

/// The page of `material` in `language`.
///
/// # Errors
/// Internal where the page's own texts or templates are wrong.
pub fn html(material: &Material, language: Language) -> Result<String> {
    let texts = Texts::read(language)?;
    let locale = Locale::new(&texts);
    let maker = Maker { material, texts: &texts, locale };
    let wrong = |e: minijinja::Error| {
        Error::internal("the page of the report cannot be filled in").because(e)
    };
    let environment = environment(&texts).map_err(wrong)?;
    let page = Page {
        language: language.tag(),
        pipeline: &material.pipeline,
        warehouse: &material.warehouse,
        generation: locale.count(i64::try_from(material.generation).unwrap_or(i64::MAX)),
        period: locale.days(material.span.period),
        before: locale.days(material.span.before),
        low_n: material.low_n,
        has_totals: material.has_totals,
        families: maker.families(),
        outcomes: flow::outcomes(&maker),
        times: flow::times(&maker),
        triangle: flow::triangle(&maker),
        rollouts: told::rollouts(&maker),
        quality: told::quality(&maker),
        definitions: maker.definitions(),
    };
    let template = environment.get_template("page.html").map_err(wrong)?;
    template.render(Value::from(Serde(page))).map_err(wrong)
}

/// What the templates lay out.
#[derive(Serialize)]
struct Page<'a> {
    language: &'static str,
    pipeline: &'a str,
    warehouse: &'a str,
    generation: String,
    period: String,
    before: String,
    low_n: u32,
    has_totals: bool,
    families: Vec<FamilyView>,
    outcomes: Option<Outcomes>,
    times: Option<Times>,
    triangle: Option<Triangle>,
    rollouts: Vec<RolloutView>,
    quality: Quality,
    definitions: Vec<DefinitionView>,
}

/// Templates whose names end in `.html` are escaped as HTML.
fn environment(texts: &Texts) -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text)?;
    }
    // The style sheet is ours and holds nothing of anybody else's.
    environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    let texts = texts.clone();
    environment.add_function("say", move |key: String, values: Kwargs| {
        let names: Vec<String> = values.args().map(str::to_owned).collect();
        let mut filled = Vec::new();
        for name in &names {
            filled.push((name.as_str(), values.get::<Value>(name)?.to_string()));
        }
        let filled: Vec<(&str, &str)> = filled.iter().map(|(n, v)| (*n, v.as_str())).collect();
        Ok(texts.fill(&key, &filled))
    });
    Ok(environment)
}
