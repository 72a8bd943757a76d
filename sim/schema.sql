-- The trace of mm1 sim: what happened in each recorded run, in the order in which it happened.
--
-- PRAGMA user_version is the version of this schema. Tables hold what a replay needs, with small integers where rows
-- are many; views give names to the integers. 64-bit hashes and addresses in rows are stored as signed integers
-- (printf('%016x', ...) shows them). A seed is a text, "0x" and 16 digits.

CREATE TABLE run(
    id INTEGER PRIMARY KEY,           -- 1, 2, ... in this file
    seed TEXT NOT NULL,
    verdict TEXT,                     -- passed, crash, hang, property, liveness, livelock, ...
    exit_code INTEGER,
    complete INTEGER NOT NULL DEFAULT 0, -- 0: the run was cut off; its last event is the last that began
    hash TEXT,                        -- of the chain of all events
    signature TEXT,                   -- what makes two failures the same finding
    property TEXT,                    -- the one that was violated
    text TEXT,                        -- why, in words
    active_faults TEXT,               -- faults in force when it failed
    vacuous TEXT,                     -- what was configured and never happened
    failed_seq INTEGER,               -- event at which it failed; 0: at the end
    failed_time_ns INTEGER,           -- counted from start_ns
    start_ns INTEGER,                 -- virtual time at which it began; all times are virtual
    end_ns INTEGER,
    events INTEGER,
    steps INTEGER,
    decisions INTEGER,
    turns INTEGER,
    faults INTEGER,
    checks INTEGER,                   -- made by properties
    scenario TEXT NOT NULL,           -- its name
    scenario_file TEXT NOT NULL,      -- where it was read; a replay does not look there
    scenario_text TEXT NOT NULL,
    scenario_hash TEXT NOT NULL,
    system TEXT NOT NULL,
    system_abi INTEGER NOT NULL,
    system_version TEXT NOT NULL,     -- of the system's sources
    source_version TEXT NOT NULL,     -- of the sources of libmm1
    version TEXT NOT NULL,            -- of libmm1
    build_id TEXT NOT NULL,
    generator TEXT NOT NULL,
    strategy TEXT NOT NULL,
    options TEXT NOT NULL,
    options_hash TEXT NOT NULL
) STRICT;

CREATE TABLE node(
    run INTEGER NOT NULL,
    node INTEGER NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY(run, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE actor(
    run INTEGER NOT NULL,
    actor INTEGER NOT NULL,           -- 1, 2, ... in order of birth
    node INTEGER NOT NULL,
    parent INTEGER,
    born INTEGER NOT NULL,            -- seq of the event
    path TEXT NOT NULL,
    behaviour TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    address TEXT NOT NULL,            -- main address, 16 digits
    PRIMARY KEY(run, actor)
) STRICT, WITHOUT ROWID;

CREATE TABLE event(
    id INTEGER PRIMARY KEY,           -- run * 2^40 + seq
    run INTEGER AS (id >> 40) VIRTUAL,
    seq INTEGER AS (id & 1099511627775) VIRTUAL, -- 1, 2, ... in its run
    time_ns INTEGER NOT NULL,
    node INTEGER,                     -- null: the world's own
    kind TEXT NOT NULL,               -- spawn, send, lost, start, receive, exit, signal, verb, post, observe, ...
    actor INTEGER,
    peer INTEGER,                     -- actor that is the target or the sender, where it is known
    peer_address INTEGER,             -- null: the main address of peer
    verb INTEGER,                     -- of kind verb and signal
    status INTEGER NOT NULL,
    type INTEGER,                     -- of the message
    message TEXT,                     -- JSON
    text TEXT,
    cause INTEGER,                    -- seq of the event that led to this one
    signal INTEGER,                   -- number of the message or signal in its node
    number INTEGER,
    hash INTEGER NOT NULL             -- of the chain up to this event
) STRICT;

CREATE TABLE decision(
    id INTEGER PRIMARY KEY,           -- run * 2^40 + step
    run INTEGER AS (id >> 40) VIRTUAL,
    step INTEGER AS (id & 1099511627775) VIRTUAL,
    site INTEGER NOT NULL,
    entity INTEGER NOT NULL,
    nth INTEGER NOT NULL,
    n INTEGER NOT NULL,               -- of how many; 0: any 64 bits
    pick INTEGER NOT NULL,
    key INTEGER NOT NULL,
    enabled INTEGER NOT NULL          -- digest of what could be chosen
) STRICT;

CREATE TABLE fault(
    run INTEGER NOT NULL,
    fault INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    heals INTEGER NOT NULL,           -- 0: it begins, 1: it ends
    kind TEXT NOT NULL,
    what TEXT NOT NULL
) STRICT;

CREATE TABLE property(
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    verdict TEXT NOT NULL,            -- pass, violated, inconclusive
    evaluated INTEGER NOT NULL,
    seq INTEGER,
    text TEXT NOT NULL
) STRICT;

-- What actors said with mm1_log. It is no event: a run is the same with one line more.
CREATE TABLE log(
    run INTEGER NOT NULL,
    line INTEGER NOT NULL,
    seq INTEGER NOT NULL,             -- the last event before it
    time_ns INTEGER NOT NULL,
    node INTEGER NOT NULL,
    actor INTEGER,
    level TEXT NOT NULL,              -- error, warn, info, debug
    text TEXT NOT NULL,
    PRIMARY KEY(run, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE output(
    run INTEGER NOT NULL,
    stream INTEGER NOT NULL,          -- 1: standard output, 2: standard error
    line INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY(run, stream, line)
) STRICT, WITHOUT ROWID;

-- Names of the integers above. decision_key says in words what a decision chose.
CREATE TABLE type(id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE verb(id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE status(id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE site(id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE decision_key(key INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

-- All events with their names.
CREATE VIEW events AS
SELECT e.id AS id, e.run AS run, e.seq AS seq, e.time_ns AS time_ns, n.name AS node, a.path AS actor, e.kind AS kind,
    v.name AS verb, coalesce(p.path, iif(e.peer_address IS NULL, NULL, printf('<%016x>', e.peer_address))) AS peer, t.name AS type,
    e.message AS message, e.text AS text, s.name AS status, e.cause AS cause, e.number AS number,
    printf('%016x', e.hash) AS hash
FROM event e
    LEFT JOIN node n ON n.run = e.run AND n.node = e.node
    LEFT JOIN actor a ON a.run = e.run AND a.actor = e.actor
    LEFT JOIN actor p ON p.run = e.run AND p.actor = e.peer
    LEFT JOIN type t ON t.id = e.type
    LEFT JOIN verb v ON v.id = e.verb
    LEFT JOIN status s ON s.id = e.status;

CREATE VIEW decisions AS
SELECT d.run AS run, d.step AS step, s.name AS site, k.text AS chosen, d.pick AS pick, d.n AS n, d.nth AS nth,
    printf('%016x', d.entity) AS entity, printf('%016x', d.enabled) AS enabled
FROM decision d LEFT JOIN site s ON s.id = d.site LEFT JOIN decision_key k ON k.key = d.key;

-- The lines of log with the names of who said them.
CREATE VIEW logs AS
SELECT l.run AS run, l.line AS line, l.seq AS seq, l.time_ns AS time_ns, n.name AS node, a.path AS actor,
    l.level AS level, l.text AS text
FROM log l
    LEFT JOIN node n ON n.run = l.run AND n.node = l.node
    LEFT JOIN actor a ON a.run = l.run AND a.actor = l.actor;

-- What found nobody, or no room.
CREATE VIEW lost AS
SELECT run, seq, time_ns, node, actor, peer, type, message, status, cause FROM events WHERE kind = 'lost';

-- How many messages wait for each actor, after each change.
CREATE VIEW mailbox AS
SELECT m.run AS run, m.seq AS seq, m.time_ns AS time_ns, a.path AS actor,
    sum(m.change) OVER (PARTITION BY m.run, m.actor ORDER BY m.seq) AS waiting
FROM (
        SELECT run, seq, time_ns, peer AS actor, 1 AS change FROM event
        WHERE kind = 'send' AND status = 0 AND peer IS NOT NULL
        UNION ALL
        SELECT s.run, s.seq, s.time_ns, r.actor, 1
        FROM event s JOIN event r ON r.run = s.run AND r.cause = s.seq AND r.kind = 'receive'
        WHERE s.kind = 'send' AND s.peer IS NULL
        UNION ALL
        SELECT run, seq, time_ns, actor, 1 FROM event WHERE kind = 'post'
        UNION ALL
        SELECT run, seq, time_ns, actor, -1 FROM event WHERE kind = 'receive'
    ) m
    JOIN actor a ON a.run = m.run AND a.actor = m.actor;

-- Each start of a node, or of an actor, whose name had been used before, and how its forerunner ended.
CREATE VIEW restarts AS
SELECT a.run AS run, a.born AS seq, e.time_ns AS time_ns, a.path AS actor, o.path AS before, x.text AS ended
FROM actor a
    JOIN event e ON e.id = (a.run << 40) + a.born
    LEFT JOIN actor o ON o.run = a.run AND o.incarnation = a.incarnation - 1
        AND rtrim(o.path, '0123456789') = rtrim(a.path, '0123456789')
    LEFT JOIN event x ON x.run = a.run AND x.actor = o.actor AND x.kind = 'exit'
WHERE a.incarnation > 1 AND rtrim(a.path, '0123456789') LIKE '%#'
UNION ALL
SELECT u.run, u.seq, u.time_ns, n.name, n.name, max(d.text)
FROM event u
    JOIN node n ON n.run = u.run AND n.node = u.node
    JOIN event d ON d.run = u.run AND d.node = u.node AND d.kind = 'node_down' AND d.seq < u.seq
WHERE u.kind = 'node_up'
GROUP BY u.id;

-- Requests of mm1_ask with their answers; latency_ns is null for those that were never answered. What a message says
-- stands at the event that sent it or lined it up. The multi-node actors only pass requests on.
CREATE VIEW asks AS
WITH response AS (
        SELECT r.run AS run, r.seq AS seq, r.time_ns AS time_ns, r.actor AS actor,
            json_extract(s.message, '$.header.id') AS ask
        FROM event r JOIN event s ON s.id = (r.run << 40) + r.cause JOIN type t ON t.id = r.type
        WHERE r.kind = 'receive' AND t.name LIKE 'mm1_proto_ask::Response<%'
    ),
    request AS (
        SELECT q.id AS id, q.run AS run, q.seq AS seq, q.time_ns AS time_ns, q.actor AS actor,
            json_extract(q.message, '$.header.id') AS ask
        FROM event q JOIN type t ON t.id = q.type
        WHERE q.kind = 'send' AND t.name LIKE 'mm1_proto_ask::Request<%'
    )
SELECT q.run AS run, q.seq AS seq, q.time_ns AS time_ns, e.actor AS actor, e.peer AS server, e.type AS type,
    min(r.seq) AS answered, min(r.time_ns) - q.time_ns AS latency_ns
FROM request q JOIN events e ON e.id = q.id AND e.actor NOT LIKE '%/multinode#%'
    LEFT JOIN response r ON r.run = q.run AND r.actor = q.actor AND r.ask = q.ask AND r.seq > q.seq
GROUP BY q.id;

-- From the event at which a run failed back to what began it: depth 0 is the failure.
CREATE VIEW chain AS
WITH RECURSIVE back(run, depth, id) AS (
        SELECT id, 0, (id << 40) + iif(failed_seq > 0, failed_seq, events) FROM run
        UNION ALL
        SELECT back.run, back.depth + 1, (back.run << 40) + e.cause
        FROM back JOIN event e ON e.id = back.id
        WHERE e.cause < e.seq AND e.cause > 0
    )
SELECT back.depth AS depth, e.* FROM back CROSS JOIN events e ON e.id = back.id;

-- Indexes, made when all rows are there.
CREATE INDEX event_cause ON event(cause) WHERE cause IS NOT NULL;
CREATE INDEX fault_run ON fault(run, seq);
CREATE INDEX property_run ON property(run, name);
