WITH c_copies AS (
    SELECT
        date, source, dedup_hi, dedup_lo, chain_key, ts_us, seq, event_id, day_no, hour,
        bot, channel, service, locale, bot_version, variant, identity_kind,
        conversation_key, user_key, actor, type, intent, is_fallback, latency_ms, closed_by,
        instrument, score, reason, lead_key, lead_value, tokens_in, tokens_out, cost_amount, is_proactive,
        ROW_NUMBER() OVER (
            PARTITION BY date, source, dedup_hi, dedup_lo
            ORDER BY object_key, record_offset, element
        ) AS copy_no
    FROM events
)
SELECT
    date, source, dedup_hi, dedup_lo, chain_key, ts_us, seq, event_id, day_no, hour,
    bot, channel, service, locale, bot_version, variant, identity_kind,
    conversation_key, user_key, actor, type, intent, is_fallback, latency_ms, closed_by,
    instrument, score, reason, lead_key, lead_value, tokens_in, tokens_out, cost_amount, is_proactive
FROM c_copies
WHERE copy_no = 1 AND date >= {{ from_day }} AND date < {{ to_day }}
