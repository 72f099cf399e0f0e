//! How vendors say fallback, handoff, resolution, rating and error.

use super::{SAID, adapter, row};

#[test]
fn rasa_says_what_it_means_in_its_own_way() {
    let event =
        |at: u32, what: &str| format!(r#"{{"sender_id":"u1","timestamp":17723556{at:02},{what}}}"#);
    let events = [
        event(0, r#""event":"session_started""#),
        event(
            1,
            r#""event":"user","text":"a","input_channel":"rest","parse_data":{"intent":{"name":"nlu_fallback","confidence":0.3}}"#,
        ),
        event(1, r#""event":"bot","text":"Sorry?""#),
        event(
            2,
            r#""event":"user","text":"b","input_channel":"rest","parse_data":{"intent":{"name":"track"}}"#,
        ),
        event(3, r#""event":"action","name":"action_default_fallback""#),
        event(3, r#""event":"bot","text":"Sorry?""#),
        event(4, r#""event":"user","text":"c","input_channel":"rest""#),
        event(5, r#""event":"bot","text":"Yes.""#),
        event(6, r#""event":"slot","name":"csat","value":4"#),
        event(6, r#""event":"slot","name":"size","value":4"#),
        event(7, r#""event":"flow_completed","flow_id":"track_order""#),
        event(7, r#""event":"flow_completed","flow_id":"pattern_completed""#),
        event(8, r#""event":"action_execution_rejected","name":"form""#),
        event(9, r#""event":"action","name":"action_handoff""#),
    ];
    let tracker = format!(r#"{{"sender_id":"u1","events":[{}]}}"#, events.join(","));
    for text in
        [events.join("\n"), tracker.replace(r#""sender_id":"u1","timestamp""#, r#""timestamp""#)]
    {
        let out = adapter("rasa", "").run(&text);
        let mut told: Vec<_> = (0..out.column("ts").len())
            .map(|at| {
                let value = |name: &str| out.column(name)[at].clone();
                let seq: i64 = value("seq").parse().unwrap();
                (
                    value("ts_us"),
                    seq,
                    [value("actor"), value("type"), value("is_fallback"), value("score")].join(" "),
                )
            })
            .collect();
        told.sort();
        let told: Vec<&str> = told.iter().map(|(_, _, told)| told.as_str()).collect();
        assert_eq!(
            told,
            [
                "system session_start null null",
                "user message null null",
                "bot message true null",
                "user message null null",
                "bot message true null",
                "user message null null",
                "bot message false null",
                "user feedback null 4",
                "system goal null null",
                "bot error null null",
                "system handoff null null",
            ]
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of activities and what each means")]
fn transcripts_say_what_they_mean_in_their_own_way() {
    let activity = |id: u32, what: &str| {
        format!(
            r#"{{"id":"a{id}","timestamp":"2026-03-01T09:00:{id:02}Z","channelId":"webchat","conversation":{{"id":"c1"}},{what}}}"#
        )
    };
    let user = r#""from":{"id":"u1","role":"user"}"#;
    let bot = r#""from":{"id":"b","role":"bot"}"#;
    let luis = r#""type":"trace","valueType":"https://www.luis.ai/schemas/trace""#;
    let text = [
        activity(0, &format!(r#""type":"message","text":"x",{user}"#)),
        activity(
            1,
            &format!(
                r#"{luis},"replyToId":"a0","value":{{"recognizerResult":{{"intents":{{"Low":{{"score":0.2}}}}}}}},{bot}"#
            ),
        ),
        activity(2, &format!(r#""type":"message","replyToId":"a0","text":"Sorry?",{bot}"#)),
        activity(3, &format!(r#""type":"message","text":"y",{user}"#)),
        activity(
            4,
            &format!(
                r#"{luis},"replyToId":"a3","value":{{"recognizerResult":{{"intents":{{"Track":{{"score":0.95}}}}}}}},{bot}"#
            ),
        ),
        activity(
            5,
            &format!(
                r#"{luis},"replyToId":"a3","value":{{"recognizerResult":{{"intents":{{"None":{{"score":0.5}}}}}}}},{bot}"#
            ),
        ),
        activity(6, &format!(r#""type":"message","replyToId":"a3","text":"Tomorrow.",{bot}"#)),
        activity(7, r#""type":"event","name":"tokens/response","value":{"token":"secret"}"#),
        activity(8, r#""type":"handoff","text":"""#),
        activity(
            9,
            r#""type":"invoke","name":"message/submitAction","value":{"actionName":"feedback","actionValue":"{\"reaction\":\"like\"}"}"#,
        ),
        activity(10, r#""type":"trace","name":"OnTurnError","value":"boom""#),
        activity(11, r#""type":"event","name":"handoff.initiate""#),
        activity(12, r#""type":"endOfConversation","code":"completedSuccessfully""#),
    ];
    let out = adapter("botframework", "").run(format!("[{}]", text.join(",")));
    let column = |name: &str| out.column(name);
    let (actors, types, intents, lost) =
        (column("actor"), column("type"), column("intent"), column("is_fallback"));
    let told: Vec<String> = (0..actors.len())
        .map(|at| format!("{} {} {} {}", actors[at], types[at], intents[at], lost[at]))
        .collect();
    assert_eq!(
        told,
        [
            "user message null null",
            "bot message Low true",
            "user message null null",
            "bot message Track false",
            "user feedback null null",
            "bot error null null",
            "system handoff null null",
            "system session_end null null",
            "system goal null null",
        ]
    );
    for name in ["event_id", "reason", "intent"] {
        assert!(!column(name).iter().any(|value| value.contains("secret") || value.contains("c1")));
    }
}

#[test]
fn copilot_says_what_it_means_in_its_own_way() {
    let trace = |at: u32, kind: &str, value: &str| {
        format!(
            r#"{{"valueType":"{kind}","type":"trace","timestamp":17723556{at:02},"from":{{"role":0}},"value":{value}}}"#
        )
    };
    let told = |more: &[String]| {
        let activities = format!("{SAID},{}", more.join(","));
        let out = adapter("copilot-studio", "").run(row(&activities));
        assert_eq!(out.decoded.quarantine, []);
        let columns =
            ["actor", "type", "closed_by", "score", "reason"].map(|name| out.column(name));
        let line = |at: usize| columns.iter().map(|c| c[at].as_str()).collect::<Vec<_>>().join(" ");
        let mut lines: Vec<String> = (0..columns[0].len()).map(line).collect();
        lines.retain(|line| !line.contains(" message "));
        lines.sort();
        lines
    };
    let session = |outcome: &str, reason: &str| {
        trace(
            50,
            "SessionInfo",
            &format!(r#"{{"outcome":"{outcome}","outcomeReason":"{reason}"}}"#),
        )
    };
    assert_eq!(
        told(&[
            trace(40, "CSATSurveyRequest", "{}"),
            trace(45, "CSATSurveyResponse", r#"{"score":4,"comment":""}"#),
            trace(46, "PRRSurveyResponse", r#"{"response":"Yes"}"#),
            trace(47, "ErrorTraceData", r#"{"errorCode":"FlowFailed","errorMessage":"…"}"#),
            session("Resolved", "Resolved"),
        ]),
        [
            "bot error null null FlowFailed",
            "bot survey null null null",
            "system goal null null null",
            "system session_end bot null Resolved",
            "user feedback null 1 null",
            "user feedback null 4 null",
        ]
    );
    let end = "system session_end null null ";
    assert_eq!(told(&[session("Abandon", "")]), ["system session_end timeout null Abandoned"]);
    assert_eq!(
        told(&[trace(49, "HandOff", "{}"), session("HandOff", "AgentTransferRequestedByUser")]),
        [
            "system handoff null null AgentTransferRequestedByUser".to_owned(),
            format!("{end}HandOff")
        ]
    );
    assert_eq!(
        told(&[session("Escalated", "AgentTransferFromQuestionMaxAttempts")]),
        [format!("{end}Escalated")]
    );
}
