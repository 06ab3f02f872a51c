SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.ledger_changes_by_erasure() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN
            IF TG_OP = 'UPDATE'
              AND (NEW.seq, NEW.case_id, NEW.version, NEW.leaf, NEW.chain)
                = (OLD.seq, OLD.case_id, OLD.version, OLD.leaf, OLD.chain)
              AND (EXISTS (SELECT 1 FROM erasures WHERE state = 'running')
                OR EXISTS (SELECT 1 FROM removals WHERE state = 'writing')) THEN
              RETURN NEW;
            END IF;
            RAISE EXCEPTION 'the ledger is append-only';
          END $$;
CREATE FUNCTION public.ledger_is_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE FUNCTION public.ledger_is_contiguous() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN
            IF NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM ledger) THEN
              RAISE EXCEPTION 'the ledger is append-only: seq must follow the last one';
            END IF;
            RETURN NEW;
          END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.boards (
    key text NOT NULL,
    place text NOT NULL,
    ts text NOT NULL,
    body text NOT NULL,
    shown_at double precision NOT NULL
);
CREATE TABLE public.cards (
    case_id text NOT NULL,
    generation integer NOT NULL,
    channel text NOT NULL,
    ts text NOT NULL,
    drawn text NOT NULL,
    look text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.case_tallies (
    event text NOT NULL,
    day integer NOT NULL,
    id text NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    state text NOT NULL,
    decision text NOT NULL,
    deciders text NOT NULL,
    currency text NOT NULL,
    risk integer NOT NULL,
    is_automatic integer NOT NULL,
    is_edited integer NOT NULL,
    cases bigint NOT NULL,
    stake_cents bigint NOT NULL
);
CREATE TABLE public.cases (
    id text NOT NULL,
    number bigint NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    state text NOT NULL,
    fingerprint text NOT NULL,
    owner text NOT NULL,
    version integer NOT NULL,
    due_at double precision,
    body text NOT NULL,
    channel text DEFAULT ''::text NOT NULL,
    waits_on text DEFAULT ''::text NOT NULL,
    words text DEFAULT ''::text NOT NULL,
    rank double precision DEFAULT '0'::double precision NOT NULL,
    decide_by double precision DEFAULT '0'::double precision NOT NULL,
    opened_at double precision DEFAULT '0'::double precision NOT NULL,
    stake double precision,
    decided_at double precision,
    ended_at double precision,
    undo_until double precision,
    team text DEFAULT ''::text NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    decision text DEFAULT ''::text NOT NULL,
    deciders text DEFAULT ''::text NOT NULL,
    approvers text DEFAULT ''::text NOT NULL,
    actions text DEFAULT ''::text NOT NULL,
    authors text DEFAULT ''::text NOT NULL,
    voters text DEFAULT ''::text NOT NULL,
    requesters text DEFAULT ''::text NOT NULL,
    names text DEFAULT ''::text NOT NULL,
    is_edited integer DEFAULT 0 NOT NULL,
    approvals_needed integer DEFAULT 0 NOT NULL,
    approvals_given integer DEFAULT 0 NOT NULL,
    risk integer DEFAULT 0 NOT NULL,
    is_automatic integer DEFAULT 0 NOT NULL,
    expires_at double precision,
    decision_at double precision,
    stake_cents bigint,
    moved_cents bigint,
    moved_currency text DEFAULT ''::text NOT NULL,
    agreement text DEFAULT ''::text NOT NULL,
    is_escalated integer DEFAULT 0 NOT NULL,
    is_reopened integer DEFAULT 0 NOT NULL,
    is_undone integer DEFAULT 0 NOT NULL,
    is_named integer DEFAULT 0 NOT NULL,
    inquiry_count integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.decision_scores (
    case_id text NOT NULL,
    revision integer NOT NULL,
    action text NOT NULL,
    kind text NOT NULL,
    stage text NOT NULL,
    bad_outcome text NOT NULL,
    bad_reason text NOT NULL,
    is_alone integer NOT NULL,
    is_comparable integer NOT NULL,
    action_agrees integer NOT NULL,
    parameters_agree integer NOT NULL,
    decided_at double precision NOT NULL,
    bad_at double precision
);
CREATE TABLE public.details_openings (
    case_id text NOT NULL,
    revision integer NOT NULL,
    first_at double precision NOT NULL
);
CREATE TABLE public.effects (
    case_id text NOT NULL,
    revision integer NOT NULL,
    step integer NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    amount numeric(20,4) NOT NULL,
    day text NOT NULL,
    at double precision DEFAULT '0'::double precision NOT NULL,
    outcome text DEFAULT ''::text NOT NULL,
    alone_kind text DEFAULT ''::text NOT NULL,
    requester text DEFAULT ''::text NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    grant_id text DEFAULT ''::text NOT NULL,
    rule_id text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.erasures (
    label text NOT NULL,
    state text NOT NULL,
    terms text NOT NULL,
    begun_at double precision NOT NULL
);
CREATE TABLE public.heads (
    name text NOT NULL,
    number bigint NOT NULL,
    chain text NOT NULL,
    peaks text NOT NULL
);
CREATE TABLE public.ignored_requests (
    source text NOT NULL,
    day text NOT NULL,
    event text NOT NULL,
    requests bigint NOT NULL,
    last_at double precision NOT NULL
);
CREATE TABLE public.inbox (
    source text NOT NULL,
    key text NOT NULL,
    digest text NOT NULL,
    body bytea NOT NULL,
    received_at text NOT NULL,
    outcome text NOT NULL,
    case_id text,
    fingerprint text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.inbox_conflicts (
    source text NOT NULL,
    key text NOT NULL,
    digest text NOT NULL,
    body bytea NOT NULL,
    received_at text NOT NULL
);
CREATE TABLE public.labels (
    case_id text NOT NULL,
    kind text NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.ledger (
    seq bigint NOT NULL,
    case_id text NOT NULL,
    version integer NOT NULL,
    leaf text NOT NULL,
    chain text NOT NULL,
    body bytea NOT NULL
);
CREATE TABLE public.listed (
    case_id text NOT NULL,
    board text NOT NULL
);
CREATE TABLE public.migrations (
    revision text NOT NULL,
    readable_from text NOT NULL
);
CREATE TABLE public.named (
    person text NOT NULL,
    case_id text NOT NULL,
    channel text DEFAULT ''::text NOT NULL,
    number bigint DEFAULT '0'::bigint NOT NULL
);
CREATE TABLE public.outbox (
    key text NOT NULL,
    topic text NOT NULL,
    case_id text NOT NULL,
    state text NOT NULL,
    wanted integer NOT NULL,
    fence integer NOT NULL,
    attempts integer NOT NULL,
    doubt integer NOT NULL,
    run_at double precision NOT NULL,
    payload text NOT NULL,
    error text NOT NULL,
    priority integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.pinned_names (
    kind text NOT NULL,
    name text NOT NULL,
    slack_id text NOT NULL,
    pinned_at double precision NOT NULL
);
CREATE TABLE public.precedents (
    id text NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    case_id text NOT NULL,
    batch text NOT NULL,
    digest text NOT NULL,
    is_gone integer NOT NULL,
    ended_at double precision NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.questions (
    id text NOT NULL,
    asked_at double precision NOT NULL,
    person text NOT NULL,
    text text NOT NULL,
    understood text NOT NULL,
    vote text NOT NULL,
    conversation text DEFAULT ''::text NOT NULL,
    query text DEFAULT ''::text NOT NULL,
    case_ids text DEFAULT ''::text NOT NULL,
    alternatives text DEFAULT ''::text NOT NULL,
    left_aside text DEFAULT ''::text NOT NULL,
    choice text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.removals (
    run text NOT NULL,
    state text NOT NULL,
    counts text NOT NULL,
    begun_at double precision NOT NULL
);
CREATE TABLE public.removed_cases (
    case_id text NOT NULL,
    run text NOT NULL
);
CREATE TABLE public.standing (
    name text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL
);
CREATE TABLE public.ticks (
    job text NOT NULL,
    slot bigint NOT NULL
);
INSERT INTO public.alembic_version (version_num) VALUES ('0019');
INSERT INTO public.boards (key, place, ts, body, shown_at) VALUES ('note:EX-2:4', 'C0STOCK', '5.1', '{"4": ["EX-2"]}', 1795262400);
INSERT INTO public.boards (key, place, ts, body, shown_at) VALUES ('budget:T1/UFINN:call:EX-2:v4:T1/UFINN', '', '', '{}', 1795262400);
INSERT INTO public.boards (key, place, ts, body, shown_at) VALUES ('call:EX-2:v4:T1/UFINN', 'DT1/UFINN', '6.1', '{"hand_over": ["EX-2"]}', 1795262400);
INSERT INTO public.cards (case_id, generation, channel, ts, drawn, look) VALUES ('EX-3', 1, 'C0STOCK', '1.0', '3', '3');
INSERT INTO public.cards (case_id, generation, channel, ts, drawn, look) VALUES ('EX-4', 1, 'C0STOCK', '1.0', '3', '3');
INSERT INTO public.cards (case_id, generation, channel, ts, drawn, look) VALUES ('EX-2', 1, 'C0STOCK', '1.0', '4', '3');
INSERT INTO public.cards (case_id, generation, channel, ts, drawn, look) VALUES ('EX-1', 1, 'C0STOCK', '1.0', '8', '3');
INSERT INTO public.case_tallies (event, day, id, channel, kind, source, state, decision, deciders, currency, risk, is_automatic, is_edited, cases, stake_cents) VALUES ('decided', 20778, '79c56a14e113c8513009c456426e06c6cce8fe948053fdf32bbf2aeb55389f81', 'C0STOCK', 'low_stock', 'api', 'RESOLVED', 'approved', ' T1/UANA ', 'GBP', 1, 0, 0, 1, 31250);
INSERT INTO public.case_tallies (event, day, id, channel, kind, source, state, decision, deciders, currency, risk, is_automatic, is_edited, cases, stake_cents) VALUES ('ended', 20778, '79c56a14e113c8513009c456426e06c6cce8fe948053fdf32bbf2aeb55389f81', 'C0STOCK', 'low_stock', 'api', 'RESOLVED', 'approved', ' T1/UANA ', 'GBP', 1, 0, 0, 1, 31250);
INSERT INTO public.case_tallies (event, day, id, channel, kind, source, state, decision, deciders, currency, risk, is_automatic, is_edited, cases, stake_cents) VALUES ('opened', 20778, '79c56a14e113c8513009c456426e06c6cce8fe948053fdf32bbf2aeb55389f81', 'C0STOCK', 'low_stock', 'api', 'RESOLVED', 'approved', ' T1/UANA ', 'GBP', 1, 0, 0, 1, 31250);
INSERT INTO public.cases (id, number, kind, source, state, fingerprint, owner, version, due_at, body, channel, waits_on, words, rank, decide_by, opened_at, stake, decided_at, ended_at, undo_until, team, currency, decision, deciders, approvers, actions, authors, voters, requesters, names, is_edited, approvals_needed, approvals_given, risk, is_automatic, expires_at, decision_at, stake_cents, moved_cents, moved_currency, agreement, is_escalated, is_reopened, is_undone, is_named, inquiry_count) VALUES ('EX-2', 2, 'low_stock', 'api', 'PROPOSED', '9e474202380866dd5f417dd508178cf28f9ae0aa0b33eb84f1d2443de4632cdc', 'T1/UFINN', 4, 1795269600, '{"id":"EX-2","state":"waiting for a decision","version":4,"generation":1,"kind":"low_stock","signal":{"source":"api","key":"key-2","kind":"low_stock","subject":"product:2","title":"Merlot is running low","occurred_at":"2026-11-21T12:00:00Z","facts":{"product_id":1},"status":"firing","group":"","requester":null,"domain":"","principals":[]},"owner":"T1/UFINN","team":"floor-managers","channel":"C0STOCK","timers":{"opened_at":"2026-11-21T12:00:00Z","changed_at":"2026-11-21T12:00:00Z","sla":{"decide_by":"2026-11-21T16:00:00Z","resolve_by":"2026-11-22T12:00:00Z","remind_at":"2026-11-21T14:00:00Z"},"decided_at":null,"cleared_at":null,"snoozed_until":null,"remind_at":"2026-11-21T14:00:00Z","reminder_count":0,"is_escalated":false,"nudged_at":null,"due_at":"2026-11-21T14:00:00Z"},"classification":{"recognition":null,"is_urgent":false,"named_by":"","is_novel":false,"probe":null},"assessment":{"evidence":[{"name":"stock.product","label":"","value":"Merlot","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.on_hand","label":"On hand","value":4,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.quantity","label":"","value":24,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.at_risk","label":"","value":312.5,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.subject","label":"","value":"product:1","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.rows","label":"","value":1,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null}],"what":"Merlot: 4 left","why":"matters","stake":{"amount":"312.50","currency":"GBP"},"playbook_version":"","is_on_trial":false,"comparison":null},"proposal":{"revision":1,"recommendation":{"action":"house.order_stock","reason":"because","basis":"rule 1 of the playbook “Running low”","alternatives":[],"blocked":"","editable":["quantity"],"precedents":"","citations":[],"confidence":null,"promise":"","memory":""},"plan":{"case_id":"EX-2","revision":1,"actions":[{"name":"house.order_stock","version":1,"system":"house","connector":"fake","target":"order_stock:1","parameters":{"product_id":1,"quantity":24},"summary":"Do order_stock","preview":"order_stock done","reversible":true,"idempotency":"marker","precondition":{"on_hand":4,"on_order":0},"amount":{"amount":"100","currency":"GBP"},"undo_for":"PT0S","returns":{}}],"playbook":"low_stock","playbook_digest":"0000000000000000000000000000000000000000000000000000000000000000","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","proposer":"playbook","requester":null,"beneficiary":null,"not_after":"2026-11-24T12:00:00Z","mode":"","branches":[],"facts":{}},"verdict":{"ruling":"ask","tier":1,"rule":"tier.low","reason":"one reversible change, moving £100.00","factors":[{"group":"floor-managers","count":1}],"expires_for":"P1D","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","step_up":false,"inputs":{"amount":{"amount":"100","currency":"GBP"},"threshold":null,"recent":null,"risk":"one reversible change, moving £100.00","limits":[],"stage":"supervised","rules":[],"objection":"","local_time":"Sat 21 Nov 12:00","standing_rule":""}},"editors":[],"changes":[],"words":null,"approvals":[],"step_ups":[],"expires_at":"2026-11-22T12:00:00Z"},"execution":{"steps":[],"undo_until":null,"is_undo_running":false,"undo_approvals":[],"earlier_steps":[],"earlier_undone":[]},"activity":{"status_reason":null,"last_decision":{"type":"handed_over","at":"2026-11-21T12:00:00Z","by":["T1/UANA"]},"drift_reasons":[],"reopening_reason":"","signal_count":1,"conflict_count":0,"refusal_count":0,"nudge_count":0,"later_requesters":[],"people":["T1/UANA","T1/UFINN"],"inquiries":[],"plan_decisions":[],"practice":null,"review":null}}', 'C0STOCK', ' floor-managers T1/UFINN ', ' merlot is running low 4 left matters product 2 on hand 24 312 5 1 do order stock', 1795240854.1793497, 1795276800, 1795262400, 312.5, NULL, NULL, NULL, 'floor-managers', 'GBP', 'handed_over', ' T1/UANA ', ' floor-managers ', ' house.order_stock ', '  ', '  ', '  ', 'Merlot', 0, 1, 0, 1, 0, 1795348800, 1795262400, 31250, NULL, '', '', 0, 0, 0, 0, 0);
INSERT INTO public.cases (id, number, kind, source, state, fingerprint, owner, version, due_at, body, channel, waits_on, words, rank, decide_by, opened_at, stake, decided_at, ended_at, undo_until, team, currency, decision, deciders, approvers, actions, authors, voters, requesters, names, is_edited, approvals_needed, approvals_given, risk, is_automatic, expires_at, decision_at, stake_cents, moved_cents, moved_currency, agreement, is_escalated, is_reopened, is_undone, is_named, inquiry_count) VALUES ('EX-1', 1, 'low_stock', 'api', 'RESOLVED', '59bcf25fa23ad19096e5c10bfa44c6f77da748fd7ae72d30bd5f2515b4fd2fef', 'floor-managers', 8, NULL, '{"id":"EX-1","state":"resolved","version":8,"generation":1,"kind":"low_stock","signal":{"source":"api","key":"key-1","kind":"low_stock","subject":"product:1","title":"Merlot is running low","occurred_at":"2026-11-21T12:00:00Z","facts":{"product_id":1},"status":"firing","group":"","requester":null,"domain":"","principals":[]},"owner":"floor-managers","team":"floor-managers","channel":"C0STOCK","timers":{"opened_at":"2026-11-21T12:00:00Z","changed_at":"2026-11-21T12:00:00Z","sla":{"decide_by":"2026-11-21T16:00:00Z","resolve_by":"2026-11-22T12:00:00Z","remind_at":"2026-11-21T14:00:00Z"},"decided_at":"2026-11-21T12:00:00Z","cleared_at":null,"snoozed_until":null,"remind_at":"2026-11-21T14:00:00Z","reminder_count":0,"is_escalated":false,"nudged_at":null,"due_at":null},"classification":{"recognition":null,"is_urgent":false,"named_by":"","is_novel":false,"probe":null},"assessment":{"evidence":[{"name":"stock.product","label":"","value":"Merlot","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.on_hand","label":"On hand","value":4,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.quantity","label":"","value":24,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.at_risk","label":"","value":312.5,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.subject","label":"","value":"product:1","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.rows","label":"","value":1,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null}],"what":"Merlot: 4 left","why":"matters","stake":{"amount":"312.50","currency":"GBP"},"playbook_version":"","is_on_trial":false,"comparison":null},"proposal":{"revision":1,"recommendation":{"action":"house.order_stock","reason":"because","basis":"rule 1 of the playbook “Running low”","alternatives":[],"blocked":"","editable":["quantity"],"precedents":"","citations":[],"confidence":null,"promise":"","memory":""},"plan":{"case_id":"EX-1","revision":1,"actions":[{"name":"house.order_stock","version":1,"system":"house","connector":"fake","target":"order_stock:1","parameters":{"product_id":1,"quantity":24},"summary":"Do order_stock","preview":"order_stock done","reversible":true,"idempotency":"marker","precondition":{"on_hand":4,"on_order":0},"amount":{"amount":"100","currency":"GBP"},"undo_for":"PT0S","returns":{}}],"playbook":"low_stock","playbook_digest":"0000000000000000000000000000000000000000000000000000000000000000","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","proposer":"playbook","requester":null,"beneficiary":null,"not_after":"2026-11-24T12:00:00Z","mode":"","branches":[],"facts":{}},"verdict":{"ruling":"ask","tier":1,"rule":"tier.low","reason":"one reversible change, moving £100.00","factors":[{"group":"floor-managers","count":1}],"expires_for":"P1D","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","step_up":false,"inputs":{"amount":{"amount":"100","currency":"GBP"},"threshold":null,"recent":null,"risk":"one reversible change, moving £100.00","limits":[],"stage":"supervised","rules":[],"objection":"","local_time":"Sat 21 Nov 12:00","standing_rule":""}},"editors":[],"changes":[],"words":null,"approvals":[{"person":"T1/UANA","name":"Ana","digest":"f143c4aebb4d4d4c21826ce0d1da3f78ea8d977626eeb4159e409b0ed447962b","at":"2026-11-21T12:00:00Z","note":"","behalf_of":"","behalf_name":"","emergency":false,"assertion":null,"grant":""}],"step_ups":[],"expires_at":"2026-11-22T12:00:00Z"},"execution":{"steps":[{"state":"done","key":"068eb19132162dd3c6fbbbb04dc25f1e5989d9e32254754d717ea10c6808f354","detail":"done","at":"2026-11-21T12:00:00Z","inputs":{},"facts":{}}],"undo_until":null,"is_undo_running":false,"undo_approvals":[],"earlier_steps":[],"earlier_undone":[]},"activity":{"status_reason":{"at":"2026-11-21T12:00:00Z","by":"","reason":"worked","note":"Do order_stock: done (done)"},"last_decision":{"type":"approved","at":"2026-11-21T12:00:00Z","by":["T1/UANA"]},"drift_reasons":[],"reopening_reason":"","signal_count":1,"conflict_count":0,"refusal_count":0,"nudge_count":0,"later_requesters":[],"people":["T1/UANA"],"inquiries":[],"plan_decisions":[{"revision":1,"kind":"low_stock","actions":["house.order_stock"],"at":"2026-11-21T12:00:00Z","decision":"approved","stage":"supervised","is_alone":false,"is_comparable":true,"is_silent":false,"action_agrees":true,"parameters_agree":true,"bad_outcome":null,"bad_reason":"","bad_at":null}],"practice":null,"review":null}}', 'C0STOCK', '  ', ' merlot is running low 4 left matters product 1 on hand 24 312 5 do order stock', 1795240854.1793497, 1795276800, 1795262400, 312.5, 1795262400, 1795262400, NULL, 'floor-managers', 'GBP', 'approved', ' T1/UANA ', ' floor-managers ', ' house.order_stock ', '  ', ' T1/UANA ', '  ', 'Merlot', 0, 1, 1, 1, 0, 1795348800, 1795262400, 31250, 10000, 'GBP', 'as_recommended', 0, 0, 0, 0, 0);
INSERT INTO public.cases (id, number, kind, source, state, fingerprint, owner, version, due_at, body, channel, waits_on, words, rank, decide_by, opened_at, stake, decided_at, ended_at, undo_until, team, currency, decision, deciders, approvers, actions, authors, voters, requesters, names, is_edited, approvals_needed, approvals_given, risk, is_automatic, expires_at, decision_at, stake_cents, moved_cents, moved_currency, agreement, is_escalated, is_reopened, is_undone, is_named, inquiry_count) VALUES ('EX-4', 4, 'low_stock', 'api', 'RUNNING', 'e0af9f65018675427736d37c21f3658e821f845aed35f14c07653b2bbdd21263', 'floor-managers', 6, NULL, '{"id":"EX-4","state":"being carried out","version":6,"generation":1,"kind":"low_stock","signal":{"source":"api","key":"key-4","kind":"low_stock","subject":"product:4","title":"Merlot is running low","occurred_at":"2026-11-21T12:00:00Z","facts":{"product_id":1},"status":"firing","group":"","requester":null,"domain":"","principals":[]},"owner":"floor-managers","team":"floor-managers","channel":"C0STOCK","timers":{"opened_at":"2026-11-21T12:00:00Z","changed_at":"2026-11-21T12:00:00Z","sla":{"decide_by":"2026-11-21T16:00:00Z","resolve_by":"2026-11-22T12:00:00Z","remind_at":"2026-11-21T14:00:00Z"},"decided_at":"2026-11-21T12:00:00Z","cleared_at":null,"snoozed_until":null,"remind_at":"2026-11-21T14:00:00Z","reminder_count":0,"is_escalated":false,"nudged_at":null,"due_at":null},"classification":{"recognition":null,"is_urgent":false,"named_by":"","is_novel":false,"probe":null},"assessment":{"evidence":[{"name":"stock.product","label":"","value":"Merlot","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.on_hand","label":"On hand","value":4,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.quantity","label":"","value":24,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.at_risk","label":"","value":312.5,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.subject","label":"","value":"product:1","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.rows","label":"","value":1,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null}],"what":"Merlot: 4 left","why":"matters","stake":{"amount":"312.50","currency":"GBP"},"playbook_version":"","is_on_trial":false,"comparison":null},"proposal":{"revision":1,"recommendation":{"action":"house.order_stock","reason":"because","basis":"rule 1 of the playbook “Running low”","alternatives":[],"blocked":"","editable":["quantity"],"precedents":"","citations":[],"confidence":null,"promise":"","memory":""},"plan":{"case_id":"EX-4","revision":1,"actions":[{"name":"house.order_stock","version":1,"system":"house","connector":"fake","target":"order_stock:1","parameters":{"product_id":1,"quantity":24},"summary":"Do order_stock","preview":"order_stock done","reversible":true,"idempotency":"marker","precondition":{"on_hand":4,"on_order":0},"amount":{"amount":"100","currency":"GBP"},"undo_for":"PT0S","returns":{}}],"playbook":"low_stock","playbook_digest":"0000000000000000000000000000000000000000000000000000000000000000","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","proposer":"playbook","requester":null,"beneficiary":null,"not_after":"2026-11-24T12:00:00Z","mode":"","branches":[],"facts":{}},"verdict":{"ruling":"ask","tier":1,"rule":"tier.low","reason":"one reversible change, moving £100.00","factors":[{"group":"floor-managers","count":1}],"expires_for":"P1D","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","step_up":false,"inputs":{"amount":{"amount":"100","currency":"GBP"},"threshold":null,"recent":null,"risk":"one reversible change, moving £100.00","limits":[],"stage":"supervised","rules":[],"objection":"","local_time":"Sat 21 Nov 12:00","standing_rule":""}},"editors":[],"changes":[],"words":null,"approvals":[{"person":"T1/UANA","name":"Ana","digest":"34cc91cd2de32856086e90152d3617d8d58b57b028131b79aef6d3826ec51fac","at":"2026-11-21T12:00:00Z","note":"","behalf_of":"","behalf_name":"","emergency":false,"assertion":null,"grant":""}],"step_ups":[],"expires_at":"2026-11-22T12:00:00Z"},"execution":{"steps":[{"state":"started","key":"24fb50805d555f47ade5c6ad6f97e0fe3a4a9ad68d981a47cd39c2706dda2ec9","detail":"","at":"2026-11-21T12:00:00Z","inputs":{},"facts":{}}],"undo_until":null,"is_undo_running":false,"undo_approvals":[],"earlier_steps":[],"earlier_undone":[]},"activity":{"status_reason":null,"last_decision":{"type":"approved","at":"2026-11-21T12:00:00Z","by":["T1/UANA"]},"drift_reasons":[],"reopening_reason":"","signal_count":1,"conflict_count":0,"refusal_count":0,"nudge_count":0,"later_requesters":[],"people":["T1/UANA"],"inquiries":[],"plan_decisions":[{"revision":1,"kind":"low_stock","actions":["house.order_stock"],"at":"2026-11-21T12:00:00Z","decision":"approved","stage":"supervised","is_alone":false,"is_comparable":true,"is_silent":false,"action_agrees":true,"parameters_agree":true,"bad_outcome":null,"bad_reason":"","bad_at":null}],"practice":null,"review":null}}', 'C0STOCK', '  ', ' merlot is running low 4 left matters product on hand 24 312 5 1 do order stock', 1795240854.1793497, 1795276800, 1795262400, 312.5, 1795262400, NULL, NULL, 'floor-managers', 'GBP', 'approved', ' T1/UANA ', ' floor-managers ', ' house.order_stock ', '  ', ' T1/UANA ', '  ', 'Merlot', 0, 1, 1, 1, 0, 1795348800, 1795262400, 31250, NULL, '', '', 0, 0, 0, 0, 0);
INSERT INTO public.cases (id, number, kind, source, state, fingerprint, owner, version, due_at, body, channel, waits_on, words, rank, decide_by, opened_at, stake, decided_at, ended_at, undo_until, team, currency, decision, deciders, approvers, actions, authors, voters, requesters, names, is_edited, approvals_needed, approvals_given, risk, is_automatic, expires_at, decision_at, stake_cents, moved_cents, moved_currency, agreement, is_escalated, is_reopened, is_undone, is_named, inquiry_count) VALUES ('EX-3', 3, 'low_stock', 'api', 'APPROVED', '8d197f7978e0688e0670fc994a4108b1e21cbda9f1892724ba05560bc2666237', 'floor-managers', 5, NULL, '{"id":"EX-3","state":"approved","version":5,"generation":1,"kind":"low_stock","signal":{"source":"api","key":"key-3","kind":"low_stock","subject":"product:3","title":"Merlot is running low","occurred_at":"2026-11-21T12:00:00Z","facts":{"product_id":1},"status":"firing","group":"","requester":null,"domain":"","principals":[]},"owner":"floor-managers","team":"floor-managers","channel":"C0STOCK","timers":{"opened_at":"2026-11-21T12:00:00Z","changed_at":"2026-11-21T12:00:00Z","sla":{"decide_by":"2026-11-21T16:00:00Z","resolve_by":"2026-11-22T12:00:00Z","remind_at":"2026-11-21T14:00:00Z"},"decided_at":"2026-11-21T12:00:00Z","cleared_at":null,"snoozed_until":null,"remind_at":"2026-11-21T14:00:00Z","reminder_count":0,"is_escalated":false,"nudged_at":null,"due_at":null},"classification":{"recognition":null,"is_urgent":false,"named_by":"","is_novel":false,"probe":null},"assessment":{"evidence":[{"name":"stock.product","label":"","value":"Merlot","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.on_hand","label":"On hand","value":4,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.quantity","label":"","value":24,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.at_risk","label":"","value":312.5,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.subject","label":"","value":"product:1","source":"house","read_at":"2026-11-21T12:00:00Z","failure":null},{"name":"stock.rows","label":"","value":1,"source":"house","read_at":"2026-11-21T12:00:00Z","failure":null}],"what":"Merlot: 4 left","why":"matters","stake":{"amount":"312.50","currency":"GBP"},"playbook_version":"","is_on_trial":false,"comparison":null},"proposal":{"revision":1,"recommendation":{"action":"house.order_stock","reason":"because","basis":"rule 1 of the playbook “Running low”","alternatives":[],"blocked":"","editable":["quantity"],"precedents":"","citations":[],"confidence":null,"promise":"","memory":""},"plan":{"case_id":"EX-3","revision":1,"actions":[{"name":"house.order_stock","version":1,"system":"house","connector":"fake","target":"order_stock:1","parameters":{"product_id":1,"quantity":24},"summary":"Do order_stock","preview":"order_stock done","reversible":true,"idempotency":"marker","precondition":{"on_hand":4,"on_order":0},"amount":{"amount":"100","currency":"GBP"},"undo_for":"PT0S","returns":{}}],"playbook":"low_stock","playbook_digest":"0000000000000000000000000000000000000000000000000000000000000000","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","proposer":"playbook","requester":null,"beneficiary":null,"not_after":"2026-11-24T12:00:00Z","mode":"","branches":[],"facts":{}},"verdict":{"ruling":"ask","tier":1,"rule":"tier.low","reason":"one reversible change, moving £100.00","factors":[{"group":"floor-managers","count":1}],"expires_for":"P1D","policy_digest":"855c74e4a36ae33ce37089ccf403e1386ab6bc8ecabbe535f866bf999e176c48","step_up":false,"inputs":{"amount":{"amount":"100","currency":"GBP"},"threshold":null,"recent":null,"risk":"one reversible change, moving £100.00","limits":[],"stage":"supervised","rules":[],"objection":"","local_time":"Sat 21 Nov 12:00","standing_rule":""}},"editors":[],"changes":[],"words":null,"approvals":[{"person":"T1/UANA","name":"Ana","digest":"37e4cefd7ff195459fbaf248f5237c7605a1e3748d83e54fdcf662aee1c26840","at":"2026-11-21T12:00:00Z","note":"","behalf_of":"","behalf_name":"","emergency":false,"assertion":null,"grant":""}],"step_ups":[],"expires_at":"2026-11-22T12:00:00Z"},"execution":{"steps":[],"undo_until":null,"is_undo_running":false,"undo_approvals":[],"earlier_steps":[],"earlier_undone":[]},"activity":{"status_reason":null,"last_decision":{"type":"approved","at":"2026-11-21T12:00:00Z","by":["T1/UANA"]},"drift_reasons":[],"reopening_reason":"","signal_count":1,"conflict_count":0,"refusal_count":0,"nudge_count":0,"later_requesters":[],"people":["T1/UANA"],"inquiries":[],"plan_decisions":[{"revision":1,"kind":"low_stock","actions":["house.order_stock"],"at":"2026-11-21T12:00:00Z","decision":"approved","stage":"supervised","is_alone":false,"is_comparable":true,"is_silent":false,"action_agrees":true,"parameters_agree":true,"bad_outcome":null,"bad_reason":"","bad_at":null}],"practice":null,"review":null}}', 'C0STOCK', '  ', ' merlot is running low 4 left matters product 3 on hand 24 312 5 1 do order stock', 1795240854.1793497, 1795276800, 1795262400, 312.5, 1795262400, NULL, NULL, 'floor-managers', 'GBP', 'approved', ' T1/UANA ', ' floor-managers ', ' house.order_stock ', '  ', ' T1/UANA ', '  ', 'Merlot', 0, 1, 1, 1, 0, 1795348800, 1795262400, 31250, NULL, '', '', 0, 0, 0, 0, 0);
INSERT INTO public.decision_scores (case_id, revision, action, kind, stage, bad_outcome, bad_reason, is_alone, is_comparable, action_agrees, parameters_agree, decided_at, bad_at) VALUES ('EX-1', 1, 'house.order_stock', 'low_stock', 'supervised', '', '', 0, 1, 1, 1, 1795262400, NULL);
INSERT INTO public.decision_scores (case_id, revision, action, kind, stage, bad_outcome, bad_reason, is_alone, is_comparable, action_agrees, parameters_agree, decided_at, bad_at) VALUES ('EX-4', 1, 'house.order_stock', 'low_stock', 'supervised', '', '', 0, 1, 1, 1, 1795262400, NULL);
INSERT INTO public.decision_scores (case_id, revision, action, kind, stage, bad_outcome, bad_reason, is_alone, is_comparable, action_agrees, parameters_agree, decided_at, bad_at) VALUES ('EX-3', 1, 'house.order_stock', 'low_stock', 'supervised', '', '', 0, 1, 1, 1, 1795262400, NULL);
INSERT INTO public.effects (case_id, revision, step, action, target, amount, day, at, outcome, alone_kind, requester, currency, grant_id, rule_id) VALUES ('EX-1', 1, 0, 'house.order_stock', 'order_stock:1', 100.0000, '2026-11-21', 1795262400, 'LANDED', '', '', 'GBP', '', '');
INSERT INTO public.effects (case_id, revision, step, action, target, amount, day, at, outcome, alone_kind, requester, currency, grant_id, rule_id) VALUES ('EX-4', 1, 0, 'house.order_stock', 'order_stock:1', 100.0000, '2026-11-21', 1795262400, '', '', '', 'GBP', '', '');
INSERT INTO public.heads (name, number, chain, peaks) VALUES ('cases', 4, '', '[]');
INSERT INTO public.heads (name, number, chain, peaks) VALUES ('memory', 1, '', '[]');
INSERT INTO public.heads (name, number, chain, peaks) VALUES ('ledger', 23, '85fc0890ea7d76fe76313e42a2504966e7b64b53c9875a72e1260b19dd1c47d6', '["4b59ad3cd830ac4983d2e4d15b1b6eb783b3d89328c4cf3c0bd40659ec7ce5d8", "53827f01f178e17ad45203817d4ab4c0ca5920f30f0c661c17310c12e8433a9a", "8cd11d0ee65a2ffdeef7421fbbf98972cd5c8e107d8df9f6edad3a80eb3e11d3", "6dd8ed377fac25b34cbbfc5bae29546987412c7696d2252d374dde752192a04d"]');
INSERT INTO public.inbox (source, key, digest, body, received_at, outcome, case_id, fingerprint) VALUES ('api', 'key-1', '7395418293435f2d93ec16ec4fd093af02be7f5687712c91ea4ea0bc8d2685fa', '\x7b7d', '2026-11-21T12:00:00+00:00', 'opened', 'EX-1', '59bcf25fa23ad19096e5c10bfa44c6f77da748fd7ae72d30bd5f2515b4fd2fef');
INSERT INTO public.inbox (source, key, digest, body, received_at, outcome, case_id, fingerprint) VALUES ('api', 'key-2', 'f2219516fab72406fc0fc229f288d773e5796e0deb6ab99ccc16eb59b5435118', '\x7b7d', '2026-11-21T12:00:00+00:00', 'opened', 'EX-2', '9e474202380866dd5f417dd508178cf28f9ae0aa0b33eb84f1d2443de4632cdc');
INSERT INTO public.inbox (source, key, digest, body, received_at, outcome, case_id, fingerprint) VALUES ('api', 'key-3', 'ded57e6f4e834298cbc55a49d9656786112606f10959515ab0bc32c35b77f5df', '\x7b7d', '2026-11-21T12:00:00+00:00', 'opened', 'EX-3', '8d197f7978e0688e0670fc994a4108b1e21cbda9f1892724ba05560bc2666237');
INSERT INTO public.inbox (source, key, digest, body, received_at, outcome, case_id, fingerprint) VALUES ('api', 'key-4', '4759366ee650940b5db4f619ce2c2d3f20a95455ddbc6803f3db03fe6b6ba970', '\x7b7d', '2026-11-21T12:00:00+00:00', 'opened', 'EX-4', 'e0af9f65018675427736d37c21f3658e821f845aed35f14c07653b2bbdd21263');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (1, 'EX-1', 1, 'f7eba97e953a6d0f400dff5ec021ab47dfe956d0a70952a0dbca7331e4401fe9', 'ac8662506a919b59f804a30de69e5bea7bb8e23fbb9d8f5a0f1764a5f587ad6b', '\x7b226163746f72223a22736f757263653a617069222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226368616e6e656c223a22433053544f434b222c226f776e6572223a22666c6f6f722d6d616e6167657273222c2270726f6265223a6e756c6c2c227369676e616c223a7b22646f6d61696e223a22222c226661637473223a7b2270726f647563745f6964223a317d2c2267726f7570223a22222c226b6579223a226b65792d31222c226b696e64223a226c6f775f73746f636b222c226f636375727265645f6174223a22323032362d31312d32315431323a30303a30305a222c227072696e636970616c73223a5b5d2c22726571756573746572223a6e756c6c2c22736f75726365223a22617069222c22737461747573223a22666972696e67222c227375626a656374223a2270726f647563743a31222c227469746c65223a224d65726c6f742069732072756e6e696e67206c6f77227d2c22736c61223a7b226465636964655f6279223a22323032362d31312d32315431363a30303a30305a222c2272656d696e645f6174223a22323032362d31312d32315431343a30303a30305a222c227265736f6c76655f6279223a22323032362d31312d32325431323a30303a30305a227d7d2c2263617365223a2245582d31222c227265766973696f6e223a302c2273616c74223a223632336663613961653839653064666230316665343061373735643266356637222c2273757266616365223a22696e74616b65222c2274797065223a22636173652e6f70656e6564222c2276657273696f6e223a317d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (2, 'EX-2', 1, 'add927c7e56f4f662091bc06e1c7add8a2ad44862ba1181278c418917234d537', '755d5f21bcb23c48d02c64af443224abb36fdef5c44f9aaefdff3dcdf2b43441', '\x7b226163746f72223a22736f757263653a617069222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226368616e6e656c223a22433053544f434b222c226f776e6572223a22666c6f6f722d6d616e6167657273222c2270726f6265223a6e756c6c2c227369676e616c223a7b22646f6d61696e223a22222c226661637473223a7b2270726f647563745f6964223a317d2c2267726f7570223a22222c226b6579223a226b65792d32222c226b696e64223a226c6f775f73746f636b222c226f636375727265645f6174223a22323032362d31312d32315431323a30303a30305a222c227072696e636970616c73223a5b5d2c22726571756573746572223a6e756c6c2c22736f75726365223a22617069222c22737461747573223a22666972696e67222c227375626a656374223a2270726f647563743a32222c227469746c65223a224d65726c6f742069732072756e6e696e67206c6f77227d2c22736c61223a7b226465636964655f6279223a22323032362d31312d32315431363a30303a30305a222c2272656d696e645f6174223a22323032362d31312d32315431343a30303a30305a222c227265736f6c76655f6279223a22323032362d31312d32325431323a30303a30305a227d7d2c2263617365223a2245582d32222c227265766973696f6e223a302c2273616c74223a226265386238626230373035303764643238386163373836316339353863393064222c2273757266616365223a22696e74616b65222c2274797065223a22636173652e6f70656e6564222c2276657273696f6e223a317d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (3, 'EX-3', 1, 'e8579cc243d8d1c03bf4e0980676d3ffe31b11639b2e39441bf3e92dd4b540d3', 'a890f15cd915bbf5c55691d4ebf53b681a53482c8f88469df0d7320215ccfc3d', '\x7b226163746f72223a22736f757263653a617069222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226368616e6e656c223a22433053544f434b222c226f776e6572223a22666c6f6f722d6d616e6167657273222c2270726f6265223a6e756c6c2c227369676e616c223a7b22646f6d61696e223a22222c226661637473223a7b2270726f647563745f6964223a317d2c2267726f7570223a22222c226b6579223a226b65792d33222c226b696e64223a226c6f775f73746f636b222c226f636375727265645f6174223a22323032362d31312d32315431323a30303a30305a222c227072696e636970616c73223a5b5d2c22726571756573746572223a6e756c6c2c22736f75726365223a22617069222c22737461747573223a22666972696e67222c227375626a656374223a2270726f647563743a33222c227469746c65223a224d65726c6f742069732072756e6e696e67206c6f77227d2c22736c61223a7b226465636964655f6279223a22323032362d31312d32315431363a30303a30305a222c2272656d696e645f6174223a22323032362d31312d32315431343a30303a30305a222c227265736f6c76655f6279223a22323032362d31312d32325431323a30303a30305a227d7d2c2263617365223a2245582d33222c227265766973696f6e223a302c2273616c74223a223433333463306161373936663438613433353362303035306566313238623033222c2273757266616365223a22696e74616b65222c2274797065223a22636173652e6f70656e6564222c2276657273696f6e223a317d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (4, 'EX-4', 1, '24eada3c10ac663d77ca5970674b7e32bde949e31cd3c53b6520160dd8282b57', '2232703bf244906cf84be2613e8e74ef522b0de65c2246bc532d88476dc07419', '\x7b226163746f72223a22736f757263653a617069222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226368616e6e656c223a22433053544f434b222c226f776e6572223a22666c6f6f722d6d616e6167657273222c2270726f6265223a6e756c6c2c227369676e616c223a7b22646f6d61696e223a22222c226661637473223a7b2270726f647563745f6964223a317d2c2267726f7570223a22222c226b6579223a226b65792d34222c226b696e64223a226c6f775f73746f636b222c226f636375727265645f6174223a22323032362d31312d32315431323a30303a30305a222c227072696e636970616c73223a5b5d2c22726571756573746572223a6e756c6c2c22736f75726365223a22617069222c22737461747573223a22666972696e67222c227375626a656374223a2270726f647563743a34222c227469746c65223a224d65726c6f742069732072756e6e696e67206c6f77227d2c22736c61223a7b226465636964655f6279223a22323032362d31312d32315431363a30303a30305a222c2272656d696e645f6174223a22323032362d31312d32315431343a30303a30305a222c227265736f6c76655f6279223a22323032362d31312d32325431323a30303a30305a227d7d2c2263617365223a2245582d34222c227265766973696f6e223a302c2273616c74223a226531616132646439333564343337376465653936363766656532393037666566222c2273757266616365223a22696e74616b65222c2274797065223a22636173652e6f70656e6564222c2276657273696f6e223a317d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (5, 'EX-1', 2, '51b662a487dc25cd4a5bab4721ea8e790cae783222cbdabe45463bb0d7a782b7', 'b0802de763d5633d7c71648a3e48fa964fcf40dc041f00c12c03005e27885a1f', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2265766964656e6365223a5b7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e70726f64756374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a224d65726c6f74227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a224f6e2068616e64222c226e616d65223a2273746f636b2e6f6e5f68616e64222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7175616e74697479222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a32347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e61745f7269736b222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a3331322e357d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7375626a656374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a2270726f647563743a31227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e726f7773222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a317d5d2c2269735f6f6e5f747269616c223a66616c73652c22706c6179626f6f6b5f76657273696f6e223a22222c227374616b65223a7b22616d6f756e74223a223331322e3530222c2263757272656e6379223a22474250227d2c2277686174223a224d65726c6f743a2034206c656674222c22776879223a226d617474657273227d2c2263617365223a2245582d31222c227265766973696f6e223a302c2273616c74223a223035313835396635616531303536343166313439663631303632663838333539222c2273757266616365223a226465736b222c2274797065223a2265766964656e63652e6761746865726564222c2276657273696f6e223a327d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (6, 'EX-1', 3, 'f7d5ae8537554abe1905aaab976fe0e2fa04ef3ce52046f0ec314346c384ef32', 'd04a691fa7990ef7a8ea43665831491edc0ba8eeeadb446e6cf180d8a90f2763', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22657870697265735f6174223a22323032362d31312d32325431323a30303a30305a222c22706c616e223a7b22616374696f6e73223a5b7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c22636f6e6e6563746f72223a2266616b65222c226964656d706f74656e6379223a226d61726b6572222c226e616d65223a22686f7573652e6f726465725f73746f636b222c22706172616d6574657273223a7b2270726f647563745f6964223a312c227175616e74697479223a32347d2c22707265636f6e646974696f6e223a7b226f6e5f68616e64223a342c226f6e5f6f72646572223a307d2c2270726576696577223a226f726465725f73746f636b20646f6e65222c2272657475726e73223a7b7d2c2272657665727369626c65223a747275652c2273756d6d617279223a22446f206f726465725f73746f636b222c2273797374656d223a22686f757365222c22746172676574223a226f726465725f73746f636b3a31222c22756e646f5f666f72223a2250543053222c2276657273696f6e223a317d5d2c2262656e6566696369617279223a6e756c6c2c226272616e63686573223a5b5d2c22636173655f6964223a2245582d31222c226661637473223a7b7d2c226d6f6465223a22222c226e6f745f6166746572223a22323032362d31312d32345431323a30303a30305a222c22706c6179626f6f6b223a226c6f775f73746f636b222c22706c6179626f6f6b5f646967657374223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030222c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c2270726f706f736572223a22706c6179626f6f6b222c22726571756573746572223a6e756c6c2c227265766973696f6e223a317d2c227265636f6d6d656e646174696f6e223a7b22616374696f6e223a22686f7573652e6f726465725f73746f636b222c22616c7465726e617469766573223a5b5d2c226261736973223a2272756c652031206f662074686520706c6179626f6f6b20e2809c52756e6e696e67206c6f77e2809d222c22626c6f636b6564223a22222c226369746174696f6e73223a5b5d2c22636f6e666964656e6365223a6e756c6c2c226564697461626c65223a5b227175616e74697479225d2c226d656d6f7279223a22222c22707265636564656e7473223a22222c2270726f6d697365223a22222c22726561736f6e223a2262656361757365227d2c22736c61223a6e756c6c2c2276657264696374223a7b22657870697265735f666f72223a22503144222c22666163746f7273223a5b7b22636f756e74223a312c2267726f7570223a22666c6f6f722d6d616e6167657273227d5d2c22696e70757473223a7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c226c696d697473223a5b5d2c226c6f63616c5f74696d65223a22536174203231204e6f762031323a3030222c226f626a656374696f6e223a22222c22726563656e74223a6e756c6c2c227269736b223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c6573223a5b5d2c227374616765223a2273757065727669736564222c227374616e64696e675f72756c65223a22222c227468726573686f6c64223a6e756c6c7d2c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c22726561736f6e223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c65223a22746965722e6c6f77222c2272756c696e67223a2261736b222c22737465705f7570223a66616c73652c2274696572223a317d7d2c2263617365223a2245582d31222c227265766973696f6e223a312c2273616c74223a226234366261373632333534663562656331373364313234626562643536313930222c2273757266616365223a226465736b222c2274797065223a22706c616e2e7265636f6d6d656e646564222c2276657273696f6e223a337d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (7, 'EX-2', 2, '6f860e927b9b0f2776dea561fb10622d9f374cfcfcf84be0895607423bb0847a', 'ed0cdcb6891910f9a600af873f718d0ba6b5ce956193f3fd280f8e3b2b482be3', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2265766964656e6365223a5b7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e70726f64756374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a224d65726c6f74227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a224f6e2068616e64222c226e616d65223a2273746f636b2e6f6e5f68616e64222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7175616e74697479222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a32347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e61745f7269736b222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a3331322e357d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7375626a656374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a2270726f647563743a31227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e726f7773222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a317d5d2c2269735f6f6e5f747269616c223a66616c73652c22706c6179626f6f6b5f76657273696f6e223a22222c227374616b65223a7b22616d6f756e74223a223331322e3530222c2263757272656e6379223a22474250227d2c2277686174223a224d65726c6f743a2034206c656674222c22776879223a226d617474657273227d2c2263617365223a2245582d32222c227265766973696f6e223a302c2273616c74223a226431333631323065636464616161613461656662343031656536393166393531222c2273757266616365223a226465736b222c2274797065223a2265766964656e63652e6761746865726564222c2276657273696f6e223a327d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (8, 'EX-2', 3, '894c5f703fa436069e9c129cacd53bca174853ebfe2f4fda03e1d3f297ae1b1c', 'f7906a36b58e0cc66dcf457cd2527d355fcf48231587b79b549b6674199d67f0', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22657870697265735f6174223a22323032362d31312d32325431323a30303a30305a222c22706c616e223a7b22616374696f6e73223a5b7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c22636f6e6e6563746f72223a2266616b65222c226964656d706f74656e6379223a226d61726b6572222c226e616d65223a22686f7573652e6f726465725f73746f636b222c22706172616d6574657273223a7b2270726f647563745f6964223a312c227175616e74697479223a32347d2c22707265636f6e646974696f6e223a7b226f6e5f68616e64223a342c226f6e5f6f72646572223a307d2c2270726576696577223a226f726465725f73746f636b20646f6e65222c2272657475726e73223a7b7d2c2272657665727369626c65223a747275652c2273756d6d617279223a22446f206f726465725f73746f636b222c2273797374656d223a22686f757365222c22746172676574223a226f726465725f73746f636b3a31222c22756e646f5f666f72223a2250543053222c2276657273696f6e223a317d5d2c2262656e6566696369617279223a6e756c6c2c226272616e63686573223a5b5d2c22636173655f6964223a2245582d32222c226661637473223a7b7d2c226d6f6465223a22222c226e6f745f6166746572223a22323032362d31312d32345431323a30303a30305a222c22706c6179626f6f6b223a226c6f775f73746f636b222c22706c6179626f6f6b5f646967657374223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030222c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c2270726f706f736572223a22706c6179626f6f6b222c22726571756573746572223a6e756c6c2c227265766973696f6e223a317d2c227265636f6d6d656e646174696f6e223a7b22616374696f6e223a22686f7573652e6f726465725f73746f636b222c22616c7465726e617469766573223a5b5d2c226261736973223a2272756c652031206f662074686520706c6179626f6f6b20e2809c52756e6e696e67206c6f77e2809d222c22626c6f636b6564223a22222c226369746174696f6e73223a5b5d2c22636f6e666964656e6365223a6e756c6c2c226564697461626c65223a5b227175616e74697479225d2c226d656d6f7279223a22222c22707265636564656e7473223a22222c2270726f6d697365223a22222c22726561736f6e223a2262656361757365227d2c22736c61223a6e756c6c2c2276657264696374223a7b22657870697265735f666f72223a22503144222c22666163746f7273223a5b7b22636f756e74223a312c2267726f7570223a22666c6f6f722d6d616e6167657273227d5d2c22696e70757473223a7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c226c696d697473223a5b5d2c226c6f63616c5f74696d65223a22536174203231204e6f762031323a3030222c226f626a656374696f6e223a22222c22726563656e74223a6e756c6c2c227269736b223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c6573223a5b5d2c227374616765223a2273757065727669736564222c227374616e64696e675f72756c65223a22222c227468726573686f6c64223a6e756c6c7d2c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c22726561736f6e223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c65223a22746965722e6c6f77222c2272756c696e67223a2261736b222c22737465705f7570223a66616c73652c2274696572223a317d7d2c2263617365223a2245582d32222c227265766973696f6e223a312c2273616c74223a223766313166303939656633396230323334633831373763326332376662306639222c2273757266616365223a226465736b222c2274797065223a22706c616e2e7265636f6d6d656e646564222c2276657273696f6e223a337d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (9, 'EX-3', 2, '046891c34e61a21d06be06daca143a0924a157578d0c69f3be543821375de040', 'bc04515766ef8def455576433e9cdcd795f22cb0aab7a26c3ce523ddfd84e223', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2265766964656e6365223a5b7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e70726f64756374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a224d65726c6f74227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a224f6e2068616e64222c226e616d65223a2273746f636b2e6f6e5f68616e64222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7175616e74697479222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a32347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e61745f7269736b222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a3331322e357d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7375626a656374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a2270726f647563743a31227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e726f7773222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a317d5d2c2269735f6f6e5f747269616c223a66616c73652c22706c6179626f6f6b5f76657273696f6e223a22222c227374616b65223a7b22616d6f756e74223a223331322e3530222c2263757272656e6379223a22474250227d2c2277686174223a224d65726c6f743a2034206c656674222c22776879223a226d617474657273227d2c2263617365223a2245582d33222c227265766973696f6e223a302c2273616c74223a223132366132316530383765303264326234366339616532313462656463366133222c2273757266616365223a226465736b222c2274797065223a2265766964656e63652e6761746865726564222c2276657273696f6e223a327d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (10, 'EX-3', 3, '7bf1a7795fd2c4b6e03d18087e0bd05af7a575a9dec1fb3a2ebefa637596b1da', '44998205151e82467f721c616bdf83b4ceda8ed88745f4450c110e68f5f10b28', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22657870697265735f6174223a22323032362d31312d32325431323a30303a30305a222c22706c616e223a7b22616374696f6e73223a5b7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c22636f6e6e6563746f72223a2266616b65222c226964656d706f74656e6379223a226d61726b6572222c226e616d65223a22686f7573652e6f726465725f73746f636b222c22706172616d6574657273223a7b2270726f647563745f6964223a312c227175616e74697479223a32347d2c22707265636f6e646974696f6e223a7b226f6e5f68616e64223a342c226f6e5f6f72646572223a307d2c2270726576696577223a226f726465725f73746f636b20646f6e65222c2272657475726e73223a7b7d2c2272657665727369626c65223a747275652c2273756d6d617279223a22446f206f726465725f73746f636b222c2273797374656d223a22686f757365222c22746172676574223a226f726465725f73746f636b3a31222c22756e646f5f666f72223a2250543053222c2276657273696f6e223a317d5d2c2262656e6566696369617279223a6e756c6c2c226272616e63686573223a5b5d2c22636173655f6964223a2245582d33222c226661637473223a7b7d2c226d6f6465223a22222c226e6f745f6166746572223a22323032362d31312d32345431323a30303a30305a222c22706c6179626f6f6b223a226c6f775f73746f636b222c22706c6179626f6f6b5f646967657374223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030222c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c2270726f706f736572223a22706c6179626f6f6b222c22726571756573746572223a6e756c6c2c227265766973696f6e223a317d2c227265636f6d6d656e646174696f6e223a7b22616374696f6e223a22686f7573652e6f726465725f73746f636b222c22616c7465726e617469766573223a5b5d2c226261736973223a2272756c652031206f662074686520706c6179626f6f6b20e2809c52756e6e696e67206c6f77e2809d222c22626c6f636b6564223a22222c226369746174696f6e73223a5b5d2c22636f6e666964656e6365223a6e756c6c2c226564697461626c65223a5b227175616e74697479225d2c226d656d6f7279223a22222c22707265636564656e7473223a22222c2270726f6d697365223a22222c22726561736f6e223a2262656361757365227d2c22736c61223a6e756c6c2c2276657264696374223a7b22657870697265735f666f72223a22503144222c22666163746f7273223a5b7b22636f756e74223a312c2267726f7570223a22666c6f6f722d6d616e6167657273227d5d2c22696e70757473223a7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c226c696d697473223a5b5d2c226c6f63616c5f74696d65223a22536174203231204e6f762031323a3030222c226f626a656374696f6e223a22222c22726563656e74223a6e756c6c2c227269736b223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c6573223a5b5d2c227374616765223a2273757065727669736564222c227374616e64696e675f72756c65223a22222c227468726573686f6c64223a6e756c6c7d2c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c22726561736f6e223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c65223a22746965722e6c6f77222c2272756c696e67223a2261736b222c22737465705f7570223a66616c73652c2274696572223a317d7d2c2263617365223a2245582d33222c227265766973696f6e223a312c2273616c74223a223432303965356464656137663335613965393165333332343634393638356530222c2273757266616365223a226465736b222c2274797065223a22706c616e2e7265636f6d6d656e646564222c2276657273696f6e223a337d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (11, 'EX-4', 2, 'd2ab20d558930c8904e8318e950e22afa87f287db6b1de1e204c5d1a529eaa58', '1b35190462532326b6933fe2a4a32ffa9faa33f2acb3bb5819bad11a14dc531e', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2265766964656e6365223a5b7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e70726f64756374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a224d65726c6f74227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a224f6e2068616e64222c226e616d65223a2273746f636b2e6f6e5f68616e64222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7175616e74697479222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a32347d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e61745f7269736b222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a3331322e357d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e7375626a656374222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a2270726f647563743a31227d2c7b226661696c757265223a6e756c6c2c226c6162656c223a22222c226e616d65223a2273746f636b2e726f7773222c22726561645f6174223a22323032362d31312d32315431323a30303a30305a222c22736f75726365223a22686f757365222c2276616c7565223a317d5d2c2269735f6f6e5f747269616c223a66616c73652c22706c6179626f6f6b5f76657273696f6e223a22222c227374616b65223a7b22616d6f756e74223a223331322e3530222c2263757272656e6379223a22474250227d2c2277686174223a224d65726c6f743a2034206c656674222c22776879223a226d617474657273227d2c2263617365223a2245582d34222c227265766973696f6e223a302c2273616c74223a226365313933326234326163303731333661303762363462343030366437323236222c2273757266616365223a226465736b222c2274797065223a2265766964656e63652e6761746865726564222c2276657273696f6e223a327d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (12, 'EX-4', 3, '6caf839eec87854d6f4c15b3e6b1c67f70f9fcb84a615a310df07c647d1f1be9', '2633d620bb04d34629c46443d69a31016e082ccf2a96084fc54ad237578461f8', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22657870697265735f6174223a22323032362d31312d32325431323a30303a30305a222c22706c616e223a7b22616374696f6e73223a5b7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c22636f6e6e6563746f72223a2266616b65222c226964656d706f74656e6379223a226d61726b6572222c226e616d65223a22686f7573652e6f726465725f73746f636b222c22706172616d6574657273223a7b2270726f647563745f6964223a312c227175616e74697479223a32347d2c22707265636f6e646974696f6e223a7b226f6e5f68616e64223a342c226f6e5f6f72646572223a307d2c2270726576696577223a226f726465725f73746f636b20646f6e65222c2272657475726e73223a7b7d2c2272657665727369626c65223a747275652c2273756d6d617279223a22446f206f726465725f73746f636b222c2273797374656d223a22686f757365222c22746172676574223a226f726465725f73746f636b3a31222c22756e646f5f666f72223a2250543053222c2276657273696f6e223a317d5d2c2262656e6566696369617279223a6e756c6c2c226272616e63686573223a5b5d2c22636173655f6964223a2245582d34222c226661637473223a7b7d2c226d6f6465223a22222c226e6f745f6166746572223a22323032362d31312d32345431323a30303a30305a222c22706c6179626f6f6b223a226c6f775f73746f636b222c22706c6179626f6f6b5f646967657374223a2230303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030222c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c2270726f706f736572223a22706c6179626f6f6b222c22726571756573746572223a6e756c6c2c227265766973696f6e223a317d2c227265636f6d6d656e646174696f6e223a7b22616374696f6e223a22686f7573652e6f726465725f73746f636b222c22616c7465726e617469766573223a5b5d2c226261736973223a2272756c652031206f662074686520706c6179626f6f6b20e2809c52756e6e696e67206c6f77e2809d222c22626c6f636b6564223a22222c226369746174696f6e73223a5b5d2c22636f6e666964656e6365223a6e756c6c2c226564697461626c65223a5b227175616e74697479225d2c226d656d6f7279223a22222c22707265636564656e7473223a22222c2270726f6d697365223a22222c22726561736f6e223a2262656361757365227d2c22736c61223a6e756c6c2c2276657264696374223a7b22657870697265735f666f72223a22503144222c22666163746f7273223a5b7b22636f756e74223a312c2267726f7570223a22666c6f6f722d6d616e6167657273227d5d2c22696e70757473223a7b22616d6f756e74223a7b22616d6f756e74223a22313030222c2263757272656e6379223a22474250227d2c226c696d697473223a5b5d2c226c6f63616c5f74696d65223a22536174203231204e6f762031323a3030222c226f626a656374696f6e223a22222c22726563656e74223a6e756c6c2c227269736b223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c6573223a5b5d2c227374616765223a2273757065727669736564222c227374616e64696e675f72756c65223a22222c227468726573686f6c64223a6e756c6c7d2c22706f6c6963795f646967657374223a2238353563373465346133366165333363653337303839636366343033653133383661623662633865636162626535333566383636626639393965313736633438222c22726561736f6e223a226f6e652072657665727369626c65206368616e67652c206d6f76696e6720c2a33130302e3030222c2272756c65223a22746965722e6c6f77222c2272756c696e67223a2261736b222c22737465705f7570223a66616c73652c2274696572223a317d7d2c2263617365223a2245582d34222c227265766973696f6e223a312c2273616c74223a223634383739653832343261343139356332396130613666343539316431656539222c2273757266616365223a226465736b222c2274797065223a22706c616e2e7265636f6d6d656e646564222c2276657273696f6e223a337d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (13, 'EX-1', 4, '875fd1db6baa8aec58d2f259413745a70ede9dd27e906c65bb23b412e6ead3a5', '67244577c7e91fbdcd6c9a9bfd402167cdd2e91276d17ad31df54594202bcbf0', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22617070726f76616c223a7b22617373657274696f6e223a6e756c6c2c226174223a22323032362d31312d32315431323a30303a30305a222c22626568616c665f6e616d65223a22222c22626568616c665f6f66223a22222c22646967657374223a2266313433633461656262346434643463323138323663653064316461336637386561386439373736323665656234313539653430396230656434343739363262222c22656d657267656e6379223a66616c73652c226772616e74223a22222c226e616d65223a22416e61222c226e6f7465223a22222c22706572736f6e223a2254312f55414e41227d7d2c2263617365223a2245582d31222c227265766973696f6e223a312c2273616c74223a223534636233643430396431306131646231643235653632653963303639663631222c2273757266616365223a22736c61636b222c2274797065223a22617070726f76616c2e676976656e222c2276657273696f6e223a347d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (14, 'EX-1', 5, 'e2f0efcd5732aa6f09333fc3dda773c2db14ab8b76a2f145062719e9761680c9', '803d44cda45efa6e6bcf45a5858bf18f41d3eb1b59f53a4a6d476147ffbf9b76', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226279223a5b2254312f55414e41225d2c22646967657374223a2266313433633461656262346434643463323138323663653064316461336637386561386439373736323665656234313539653430396230656434343739363262222c22706c616e223a6e756c6c2c227265636f6d6d656e646174696f6e223a6e756c6c2c2276657264696374223a6e756c6c7d2c2263617365223a2245582d31222c227265766973696f6e223a312c2273616c74223a223435376637356537326236336239656637636134656261643237343437373463222c2273757266616365223a22736c61636b222c2274797065223a22706c616e2e617574686f7269736564222c2276657273696f6e223a357d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (15, 'EX-2', 4, '7d7386ca3e2573164ac4e32275f4a3a26f5b4627e0d7fdddf151fb27e2074dfe', '62d8b6a2aaac06aade8e2ed925cfc1ac0c6ada6b42d3f7ce08d5be1eac8090f5', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2262795f6e616d65223a22416e61222c226e6f7465223a22446f6e653a206c6f6f6b6564204f70656e3a20646563696465222c22746f223a2254312f5546494e4e227d2c2263617365223a2245582d32222c227265766973696f6e223a312c2273616c74223a226637643634613838343039383130623664643239663163643965633961353131222c2273757266616365223a22736c61636b222c2274797065223a22636173652e68616e6465645f6f766572222c2276657273696f6e223a347d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (16, 'EX-1', 6, 'e318509b2547bc8ee7165f54f661cf7457453cc7527f0beb488561483028210a', '3444a3cc7ca32a508770b3a53b0d5454dd8d97ff64b972fc573ecf9f51d8ae55', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22646967657374223a2266313433633461656262346434643463323138323663653064316461336637386561386439373736323665656234313539653430396230656434343739363262222c22696e70757473223a7b7d2c226b6579223a2230363865623139313332313632646433633666626262623034646332356631653539383964396533323235343735346437313765613130633638303866333534222c2273746570223a307d2c2263617365223a2245582d31222c227265766973696f6e223a312c2273616c74223a223063663962303530633236666237643364383436666363363062303434373264222c2273757266616365223a226465736b222c2274797065223a22737465702e73746172746564222c2276657273696f6e223a367d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (17, 'EX-1', 7, '0260812ae654c255bd8559f7d743823dbb6e641efcd765acaeddb115f75d9874', '6ca78450a9df2a36a586c912833c8e5517d6d2912826ea9d33286d5f70877cdc', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2264657461696c223a22646f6e65222c226661637473223a7b7d2c227374617465223a22646f6e65222c2273746570223a307d2c2263617365223a2245582d31222c227265766973696f6e223a312c2273616c74223a226563336338343762613133376435396539646261323364643439643061383339222c2273757266616365223a226465736b222c2274797065223a22737465702e7265706f72746564222c2276657273696f6e223a377d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (18, 'EX-1', 8, '213f0a25283a824b90424cd005613c1305c2d92ebfeed49626ded6e95719e8ec', 'a87d4652747d044b3aeb00375a3218e034e0731fea520e7f0f97cab596888750', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b2262795f6e616d65223a22222c226e6f7465223a22446f206f726465725f73746f636b3a20646f6e652028646f6e6529222c227265736f6c7574696f6e223a22776f726b6564222c227265766965775f6f6e655f696e223a302c22756e646f5f756e74696c223a6e756c6c2c22756e646f5f766f746573223a307d2c2263617365223a2245582d31222c227265766973696f6e223a312c2273616c74223a223531306439323963346566386634653636663738336663383961633139373463222c2273757266616365223a226465736b222c2274797065223a22636173652e7265736f6c766564222c2276657273696f6e223a387d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (19, 'EX-4', 4, '0b2dd4e6bcfae55dd524b9f020a5ba0c47f44085d631d16899596a09ac6ee2bf', 'b5740800b5f13255c33b87a8b5f021fea0645c87ce896fedc4f877dab4d5c401', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22617070726f76616c223a7b22617373657274696f6e223a6e756c6c2c226174223a22323032362d31312d32315431323a30303a30305a222c22626568616c665f6e616d65223a22222c22626568616c665f6f66223a22222c22646967657374223a2233346363393163643264653332383536303836653930313532643336313764386435386235376230323831333162373961656636643338323665633531666163222c22656d657267656e6379223a66616c73652c226772616e74223a22222c226e616d65223a22416e61222c226e6f7465223a22222c22706572736f6e223a2254312f55414e41227d7d2c2263617365223a2245582d34222c227265766973696f6e223a312c2273616c74223a226630366535653830653439343838333531333533393235356234663866393062222c2273757266616365223a22736c61636b222c2274797065223a22617070726f76616c2e676976656e222c2276657273696f6e223a347d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (20, 'EX-4', 5, 'd71c250ee3e36e7367c42f95128dab99ec124e2c799d94835ff235ef4066113f', '90e0f73515a9ff78cc66c883ac52cca971b89a0f4f63d8ae895864bd8c6fafcf', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226279223a5b2254312f55414e41225d2c22646967657374223a2233346363393163643264653332383536303836653930313532643336313764386435386235376230323831333162373961656636643338323665633531666163222c22706c616e223a6e756c6c2c227265636f6d6d656e646174696f6e223a6e756c6c2c2276657264696374223a6e756c6c7d2c2263617365223a2245582d34222c227265766973696f6e223a312c2273616c74223a223033656432636437323832633138313365656131643637353235613030336434222c2273757266616365223a22736c61636b222c2274797065223a22706c616e2e617574686f7269736564222c2276657273696f6e223a357d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (21, 'EX-4', 6, '35f8ccbef5da0d7925714baf4002e0796120b32a8398c7978b47e34257c23b3d', '60bb65e25f831e48c1680c08d2dad6dbab80b3e80f469d507d7dfe1b3ce28d73', '\x7b226163746f72223a22636f756e7465727369676e222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22646967657374223a2233346363393163643264653332383536303836653930313532643336313764386435386235376230323831333162373961656636643338323665633531666163222c22696e70757473223a7b7d2c226b6579223a2232346662353038303564353535663437616465356336616436663937653066653361346139616436386439383161343763643339633237303664646132656339222c2273746570223a307d2c2263617365223a2245582d34222c227265766973696f6e223a312c2273616c74223a223864336565323462366135613963336130333361623063336661646136356563222c2273757266616365223a226465736b222c2274797065223a22737465702e73746172746564222c2276657273696f6e223a367d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (22, 'EX-3', 4, '93564f0bac98f914b0eb996a4f9d194401054977500eadc0b4aa896a6044d237', '9d92addc85d7763abe27c21238922d64705fe91cde9aec44cb4294c20d6e8288', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b22617070726f76616c223a7b22617373657274696f6e223a6e756c6c2c226174223a22323032362d31312d32315431323a30303a30305a222c22626568616c665f6e616d65223a22222c22626568616c665f6f66223a22222c22646967657374223a2233376534636566643766663139353435396662616632343866353233376337363035613165333734386438336535346664636636363261656531633236383430222c22656d657267656e6379223a66616c73652c226772616e74223a22222c226e616d65223a22416e61222c226e6f7465223a22222c22706572736f6e223a2254312f55414e41227d7d2c2263617365223a2245582d33222c227265766973696f6e223a312c2273616c74223a226335383064393930363636653163386431653431613763313534386438663465222c2273757266616365223a22736c61636b222c2274797065223a22617070726f76616c2e676976656e222c2276657273696f6e223a347d');
INSERT INTO public.ledger (seq, case_id, version, leaf, chain, body) VALUES (23, 'EX-3', 5, '6dd8ed377fac25b34cbbfc5bae29546987412c7696d2252d374dde752192a04d', '85fc0890ea7d76fe76313e42a2504966e7b64b53c9875a72e1260b19dd1c47d6', '\x7b226163746f72223a2254312f55414e41222c226174223a22323032362d31312d32315431323a30303a30302e3030303030305a222c22626f6479223a7b226279223a5b2254312f55414e41225d2c22646967657374223a2233376534636566643766663139353435396662616632343866353233376337363035613165333734386438336535346664636636363261656531633236383430222c22706c616e223a6e756c6c2c227265636f6d6d656e646174696f6e223a6e756c6c2c2276657264696374223a6e756c6c7d2c2263617365223a2245582d33222c227265766973696f6e223a312c2273616c74223a226665326334626434333732656166393135343261663538333633313437303566222c2273757266616365223a22736c61636b222c2274797065223a22706c616e2e617574686f7269736564222c2276657273696f6e223a357d');
INSERT INTO public.listed (case_id, board) VALUES ('EX-2', 'note:EX-2:4');
INSERT INTO public.listed (case_id, board) VALUES ('EX-2', 'call:EX-2:v4:T1/UFINN');
INSERT INTO public.migrations (revision, readable_from) VALUES ('0019', '0015');
INSERT INTO public.named (person, case_id, channel, number) VALUES ('T1/UANA', 'EX-1', 'C0STOCK', 1);
INSERT INTO public.named (person, case_id, channel, number) VALUES ('T1/UANA', 'EX-2', 'C0STOCK', 2);
INSERT INTO public.named (person, case_id, channel, number) VALUES ('T1/UFINN', 'EX-2', 'C0STOCK', 2);
INSERT INTO public.named (person, case_id, channel, number) VALUES ('T1/UANA', 'EX-4', 'C0STOCK', 4);
INSERT INTO public.named (person, case_id, channel, number) VALUES ('T1/UANA', 'EX-3', 'C0STOCK', 3);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('triage:EX-1', 'triage', 'EX-1', 'done', 1, 1, 0, 0, 1795262430, '{}', '', -199);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('triage:EX-2', 'triage', 'EX-2', 'done', 1, 1, 0, 0, 1795262430, '{}', '', -198);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('triage:EX-3', 'triage', 'EX-3', 'done', 1, 1, 0, 0, 1795262430, '{}', '', -197);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('triage:EX-4', 'triage', 'EX-4', 'done', 1, 1, 0, 0, 1795262430, '{}', '', -196);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('execute:EX-1:1', 'execute', 'EX-1', 'done', 1, 1, 0, 0, 1795262430, '{"revision": 1}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('follow_up:EX-1:8', 'follow_up', 'EX-1', 'ready', 1, 0, 0, 0, 1795263000, '{}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('card:EX-2', 'card', 'EX-2', 'done', 2, 2, 0, 0, 1795262430, '{}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('note:EX-2:4', 'note', 'EX-2', 'done', 1, 1, 0, 0, 1795262430, '{"versions": [4]}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('call:EX-2:v4', 'call', 'EX-2', 'done', 1, 1, 0, 0, 1795262430, '{"subject": "hand_over", "to": "T1/UFINN"}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('card:EX-1', 'card', 'EX-1', 'done', 4, 2, 0, 0, 1795262430, '{}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('note:EX-1:7', 'note', 'EX-1', 'done', 1, 1, 0, 0, 1795262430, '{"versions": [7, 8]}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('remember:EX-1', 'remember', 'EX-1', 'done', 1, 1, 0, 0, 1795262430, '{}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('call:EX-2:v4:T1/UFINN', 'call', 'EX-2', 'done', 1, 1, 0, 0, 1795262430, '{"person": "T1/UFINN", "subject": "hand_over"}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('execute:EX-4:1', 'execute', 'EX-4', 'leased', 1, 1, 0, 1, 1795262430, '{"revision": 1}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('card:EX-4', 'card', 'EX-4', 'ready', 3, 1, 0, 0, 1795262401, '{}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('card:EX-3', 'card', 'EX-3', 'ready', 2, 1, 0, 0, 1795262401, '{}', '', 0);
INSERT INTO public.outbox (key, topic, case_id, state, wanted, fence, attempts, doubt, run_at, payload, error, priority) VALUES ('execute:EX-3:1', 'execute', 'EX-3', 'ready', 1, 0, 0, 0, 1795262400, '{"revision": 1}', '', 0);
INSERT INTO public.precedents (id, seq, kind, case_id, batch, digest, is_gone, ended_at, body) VALUES ('EX-1.1', 1, 'low_stock', 'EX-1', '', 'f104595e864893fa1157643f195ad9577d678fefd1083632ffb86e5077ecb141', 0, 1795262400, '{"id":"EX-1.1","kind":"low_stock","said":"Merlot is running low","what":"Merlot: 4 left","facts":{"On hand":4},"action":"house.order_stock","steps":["Do order_stock"],"decided_by":["Ana"],"ended":"worked","reason":"","ended_at":"2026-11-21T12:00:00Z","channel":"C0STOCK","case_id":"EX-1","batch":"","edited":false,"named":true,"shown":null}');
INSERT INTO public.standing (name, version, body) VALUES ('desk', 0, '');
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.boards
    ADD CONSTRAINT boards_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_pkey PRIMARY KEY (case_id, generation);
ALTER TABLE ONLY public.case_tallies
    ADD CONSTRAINT case_tallies_pkey PRIMARY KEY (event, day, id);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_number_key UNIQUE (number);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.decision_scores
    ADD CONSTRAINT decision_scores_pkey PRIMARY KEY (case_id, revision, action);
ALTER TABLE ONLY public.details_openings
    ADD CONSTRAINT details_openings_pkey PRIMARY KEY (case_id, revision);
ALTER TABLE ONLY public.effects
    ADD CONSTRAINT effects_pkey PRIMARY KEY (case_id, revision, step);
ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (label);
ALTER TABLE ONLY public.heads
    ADD CONSTRAINT heads_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.ignored_requests
    ADD CONSTRAINT ignored_requests_pkey PRIMARY KEY (source, day, event);
ALTER TABLE ONLY public.inbox_conflicts
    ADD CONSTRAINT inbox_conflicts_pkey PRIMARY KEY (source, key, digest);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (source, key);
ALTER TABLE ONLY public.labels
    ADD CONSTRAINT labels_pkey PRIMARY KEY (case_id);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_case_id_version_key UNIQUE (case_id, version);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.listed
    ADD CONSTRAINT listed_pkey PRIMARY KEY (case_id, board);
ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (revision);
ALTER TABLE ONLY public.named
    ADD CONSTRAINT named_pkey PRIMARY KEY (person, case_id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.pinned_names
    ADD CONSTRAINT pinned_names_pkey PRIMARY KEY (kind, name);
ALTER TABLE ONLY public.precedents
    ADD CONSTRAINT precedents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.questions
    ADD CONSTRAINT questions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.removals
    ADD CONSTRAINT removals_pkey PRIMARY KEY (run);
ALTER TABLE ONLY public.removed_cases
    ADD CONSTRAINT removed_cases_pkey PRIMARY KEY (case_id);
ALTER TABLE ONLY public.standing
    ADD CONSTRAINT standing_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.ticks
    ADD CONSTRAINT ticks_pkey PRIMARY KEY (job, slot);
CREATE INDEX boards_by_prefix ON public.boards USING btree (key text_pattern_ops, shown_at);
CREATE INDEX cards_by_place ON public.cards USING btree (channel, ts);
CREATE INDEX cases_by_decision ON public.cases USING btree (decision_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX cases_by_due ON public.cases USING btree (due_at);
CREATE INDEX cases_by_end ON public.cases USING btree (ended_at, rank);
CREATE INDEX cases_by_fingerprint ON public.cases USING btree (fingerprint, number);
CREATE INDEX cases_by_kind ON public.cases USING btree (kind, ended_at);
CREATE INDEX cases_by_opening ON public.cases USING btree (opened_at);
CREATE INDEX cases_by_rank ON public.cases USING btree (state, rank);
CREATE INDEX cases_by_state ON public.cases USING btree (state, kind);
CREATE INDEX decision_scores_by_action ON public.decision_scores USING btree (kind, action, decided_at);
CREATE INDEX effects_by_action ON public.effects USING btree (action, at);
CREATE INDEX inbox_by_case ON public.inbox USING btree (case_id);
CREATE INDEX inbox_by_fingerprint ON public.inbox USING btree (fingerprint, received_at);
CREATE INDEX listed_by_board ON public.listed USING btree (board);
CREATE INDEX named_by_channel ON public.named USING btree (person, channel, case_id);
CREATE INDEX named_by_number ON public.named USING btree (person, number);
CREATE INDEX outbox_by_due ON public.outbox USING btree (state, topic, run_at, priority);
CREATE INDEX precedents_by_batch ON public.precedents USING btree (batch);
CREATE INDEX precedents_by_kind ON public.precedents USING btree (kind, ended_at);
CREATE INDEX precedents_by_seq ON public.precedents USING btree (seq);
CREATE INDEX questions_by_conversation ON public.questions USING btree (person, conversation, asked_at);
CREATE INDEX questions_by_time ON public.questions USING btree (asked_at);
CREATE TRIGGER ledger_contiguous BEFORE INSERT ON public.ledger FOR EACH ROW EXECUTE FUNCTION public.ledger_is_contiguous();
CREATE TRIGGER ledger_no_change BEFORE DELETE OR UPDATE ON public.ledger FOR EACH ROW EXECUTE FUNCTION public.ledger_changes_by_erasure();
CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_is_append_only();
