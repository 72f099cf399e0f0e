SELECT date, kind, day, rollout, service, name, part, a, b, c, d FROM int_rollout_input
