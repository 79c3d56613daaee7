// What runs inside of Valkey: who has which part of a limit, and who gets more of it. One call of a script changes any number of
// counters of one slot of a cluster at once, and nobody sees half of it.
//
// A counter is a hash with a field for each host: [session, seq, share, used, ends, want, need, profile, told]. `profile` says when what
// a host has used leaves the window, as milliseconds from `told` on. Times are the server's own.

/** Raised whenever keys or fields change their meaning; a newer one is not touched by an older gateway. */
export const STATE_SCHEMA = 1;

/** Groups of counters: the keys of one share a slot of a cluster. */
export const GROUPS = 32;

/**
 * KEYS: the group's marker, then counters. ARGV: the lease in milliseconds, host, session, how many hosts it knows of, whether it has told
 * all that it has (1); then for each counter its seq, kind
 * (0 window, 1 gauge, 2 money), limit, window in milliseconds, share, used, want, need, profile, keep, since when the server had run when it was told last, what others had
 * then.
 * Gives for how long nothing is given yet, in milliseconds; since when the server runs; then for each counter: state (1 done, 0 an older word than one that was heard, 2 nothing is given yet), share, others', level (-1: no
 * pressure), when to ask again (-1: unknown).
 *
 * A marker knows the run of the server that it was written by: where another one runs, what was told last may be lost, and nothing
 * more is given for one lease, and until all hosts that anybody knows of have told what they have, but for no more than four. What
 * hosts had that do not tell any more, the others remember: of what all had together, by the word of any, that part counts for one
 * window (`!`: the amount, until when, and whether it is that part).
 */
export const LEASE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, host, session = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '-'
local marker = redis.call('HMGET', KEYS[1], 'run', 'at', 'hold', 'known', 'gives')
local at, hold, known = tonumber(marker[2]), tonumber(marker[3]) or 0, tonumber(marker[4]) or 1
local gives, wait = marker[5] == '1', 0
if marker[1] ~= run then
  redis.call('DEL', KEYS[1])
  at, hold, known, gives = now, lease, 1, false
  redis.call('HSET', KEYS[1], 'run', run, 'at', at, 'hold', hold)
elseif lease > hold then
  hold = lease
  redis.call('HSET', KEYS[1], 'hold', hold)
end
if not gives then
  if tonumber(ARGV[4]) > known then known = tonumber(ARGV[4]); redis.call('HSET', KEYS[1], 'known', known) end
  if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'told:' .. host, 1) end
  local told = 0
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 5) == 'told:' then told = told + 1 end
  end
  wait = at + 4 * hold - now
  if told >= known then wait = at + hold - now end
  gives = wait <= 0
  if gives then redis.call('HSET', KEYS[1], 'gives', 1) end
end

local function parts(e, kind, window)
  local share, ends = math.max(e[3], e[4]), e[5]
  if now < ends or kind == 2 then return share end
  if kind == 1 then return 0 end
  local kept, late = 0, 0
  for ms, amount in string.gmatch(e[8], '(%d+):(%d+)') do
    local leaves, n = e[9] + ms, tonumber(amount)
    if leaves > ends then late = late + n end
    if leaves > now then kept = kept + n end
  end
  if now < ends + window * 66 / 64 then kept = kept + math.max(0, share - late) end
  return kept
end

local function levelOf(wants, all)
  table.sort(wants)
  local left, n = all, #wants
  for i = 1, n do
    local fair = left / (n - i + 1)
    if wants[i] > fair then return math.max(0, math.ceil(fair)) end
    left = left - wants[i]
  end
  return -1
end

local replies = {math.max(0, wait), at}
for i = 2, #KEYS do
  local a = 6 + (i - 2) * 12
  local seq, kind, limit, window = tonumber(ARGV[a]), tonumber(ARGV[a+1]), tonumber(ARGV[a+2]), tonumber(ARGV[a+3])
  local share, used, want, need = tonumber(ARGV[a+4]), tonumber(ARGV[a+5]), tonumber(ARGV[a+6]), tonumber(ARGV[a+7])
  local profile, keep = ARGV[a+8], tonumber(ARGV[a+9])
  local born, heard = tonumber(ARGV[a+10]), tonumber(ARGV[a+11])
  local entries = redis.call('HGETALL', KEYS[i])
  local mine, others, gone, missing = nil, 0, 0, nil
  local wants, live = {}, {}
  for j = 1, #entries, 2 do
    local e = cmsgpack.unpack(entries[j+1])
    if entries[j] == '!' then
      if kind == 2 or now < e[2] then missing = e else redis.call('HDEL', KEYS[i], '!') end
    elseif entries[j] == host then
      mine = e
    else
      local part = parts(e, kind, window)
      others = others + part
      if now < e[5] then
        wants[#wants+1] = math.max(e[4], e[6])
        live[#live+1] = e
      elseif part > 0 then
        gone = gone + part
      else
        redis.call('HDEL', KEYS[i], entries[j])
      end
    end
  end
  if mine and (mine[1] > session or (mine[1] == session and mine[2] >= seq)) then
    replies[#replies+1] = {0, 0, 0, 0, 0}
  else
    local base = math.max(share, used)
    if kind ~= 1 and born > 0 and born < at and (not missing or (missing[3] == 0 and heard + base > missing[1])) then
      missing = {heard + base, at + hold + window * 66 / 64, 0}
      redis.call('HSET', KEYS[i], '!', cmsgpack.pack(missing))
    end
    if missing and gives and missing[3] == 0 then
      missing = {math.max(0, missing[1] - others - base), missing[2], 1}
      redis.call('HSET', KEYS[i], '!', cmsgpack.pack(missing))
    end
    if missing and missing[3] == 1 then
      others = others + missing[1]
      gone = gone + missing[1]
    end
    local room = limit - others - base
    want = math.max(want, used)
    wants[#wants+1] = want
    local level = levelOf(wants, limit - gone)
    local grant = 0
    if gives and room > 0 and keep > 0 then
      if level < 0 then
        grant = math.min(room, math.max(0, want - base))
      else
        local owed = 0
        for _, e in ipairs(live) do
          if e[7] > 0 and math.max(e[3], e[4]) < level and now - e[9] < 1000 then owed = owed + e[7] end
        end
        if base < level then
          grant = math.min(room, math.max(level - base, need))
        elseif room - owed >= need then
          grant = need
        end
      end
    end
    local again = -1
    if grant < need then
      grant = 0
      local leaving, slack = {}, 0
      for _, e in ipairs(live) do
        slack = slack + math.max(0, e[3] - e[4])
        for ms, amount in string.gmatch(e[8], '(%d+):(%d+)') do
          leaving[#leaving+1] = {e[9] + ms - now, tonumber(amount)}
        end
      end
      for ms, amount in string.gmatch(profile, '(%d+):(%d+)') do
        leaving[#leaving+1] = {tonumber(ms), tonumber(amount)}
      end
      if not gives then
        again = wait
      elseif room + slack >= need then
        again = math.floor(hold / 4)
      else
        table.sort(leaving, function(x, y) return x[1] < y[1] end)
        for _, one in ipairs(leaving) do
          room = room + one[2]
          if room + slack >= need then again = math.max(1, one[1]); break end
        end
      end
    end
    -- A host above its level may have used more than its share: what leaves its window is not its any more.
    if grant > 0 then share = base + grant end
    local ends = now
    if keep > 0 then ends = now + lease end
    if share == 0 and used == 0 and keep < 0 then
      redis.call('HDEL', KEYS[i], host)
    else
      local unmet = 0
      if grant < need then unmet = need end
      redis.call('HSET', KEYS[i], host, cmsgpack.pack({session, seq, share, used, ends, want, unmet, profile, now}))
      local lasts = math.abs(keep)
      if redis.call('PTTL', KEYS[i]) < lasts then redis.call('PEXPIRE', KEYS[i], lasts) end
    end
    local state = 1
    if not gives and need > 0 then state = 2 end
    replies[#replies+1] = {state, share, others, level, math.floor(again)}
  end
end
return replies
`;

/**
 * KEYS: schema, hosts, the host's session. ARGV: our schema, lease in milliseconds, host, our session (0: a new one), what a new one has
 * to be above. Gives the schema, the session, how many hosts there are.
 */
export const HELLO_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local schema, lease, host, session = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local there = tonumber(redis.call('GET', KEYS[1]) or 0)
if there > schema then return {there, 0, 0} end
if there < schema then redis.call('SET', KEYS[1], schema) end
local newest = tonumber(redis.call('GET', KEYS[3]) or 0)
if session == 0 then
  newest = math.max(now, newest + 1, tonumber(ARGV[5]) + 1)
  redis.call('SET', KEYS[3], string.format('%.0f', newest), 'PX', 40 * 86400000)
elseif newest == 0 then
  newest = session
  redis.call('SET', KEYS[3], string.format('%.0f', newest), 'PX', 40 * 86400000)
end
redis.call('ZADD', KEYS[2], now, host)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 3 * lease)
return {schema, newest, redis.call('ZCARD', KEYS[2])}
`;
