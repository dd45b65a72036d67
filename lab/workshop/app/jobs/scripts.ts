// The steps of a job's life that must happen whole or not at all, as scripts that Redis runs in one go. RQ pops a job with BLPOP and says
// afterwards that it works on it; a worker that dies in between loses the job without a trace. Here taking is one step: a job is waiting,
// or in progress under somebody's name, or over.

/**
 * KEYS: set of queues, queue, job, finished, failed. ARGV: id, "1" when a job of this id may come again once it is over, fields of the hash.
 * 1 when it was put into the queue, 0 when it is there already: sent again after a time-out, it is still one job.
 */
export const enqueueScript = `
local status = redis.call('HGET', KEYS[3], 'status')
if status and (ARGV[2] ~= '1' or status == 'queued' or status == 'started') then return 0 end
redis.call('DEL', KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('SADD', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[3], unpack(ARGV, 3))
redis.call('RPUSH', KEYS[2], ARGV[1])
return 1`;

/**
 * KEYS: worker, then queue and wip of each queue in the order of asking. ARGV: worker's name, prefix of jobs, now as text, when it counts as
 * abandoned. Gives id and fields, or nothing. A worker whose last asking went unanswered gets the job again that it holds already.
 */
export const takeScript = `
local held = redis.call('HGET', KEYS[1], 'current_job')
if held and held ~= '' then
  local key = ARGV[2] .. held
  local seen = redis.call('HMGET', key, 'status', 'worker_name')
  if seen[1] == 'started' and seen[2] == ARGV[1] then return { held, redis.call('HGETALL', key) } end
end
for i = 2, #KEYS, 2 do
  local id = redis.call('LPOP', KEYS[i])
  while id do
    local key = ARGV[2] .. id
    if redis.call('EXISTS', key) == 1 then
      redis.call('HSET', key, 'status', 'started', 'started_at', ARGV[3], 'last_heartbeat', ARGV[3], 'worker_name', ARGV[1])
      redis.call('ZADD', KEYS[i + 1], ARGV[4], id)
      redis.call('HSET', KEYS[1], 'current_job', id, 'state', 'busy')
      return { id, redis.call('HGETALL', key) }
    end
    id = redis.call('LPOP', KEYS[i])
  end
end
return false`;

/**
 * KEYS: job, wip, registry it goes to, failed, worker. ARGV: id, status, now as text, until when it is kept, for how many seconds, what went
 * wrong, seconds worked, most that the registry keeps. A job that was given up as abandoned and ends well after all has ended well.
 */
export const endScript = `
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'status', ARGV[2], 'ended_at', ARGV[3])
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'exc_info', ARGV[6]) end
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[8])
end
if redis.call('HGET', KEYS[5], 'current_job') == ARGV[1] then
  redis.call('HSET', KEYS[5], 'current_job', '', 'state', 'idle')
  redis.call('HINCRBY', KEYS[5], ARGV[2] == 'finished' and 'successful_job_count' or 'failed_job_count', 1)
  redis.call('HINCRBYFLOAT', KEYS[5], 'total_working_time', ARGV[7])
end
return 1`;

/** KEYS: job, wip. ARGV: id, now as text, when it counts as abandoned. Says that the job is still worked on. */
export const holdScript = `
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
  redis.call('HSET', KEYS[1], 'last_heartbeat', ARGV[2])
end
return 1`;

/**
 * KEYS: wip, finished, failed. ARGV: prefix of jobs, now in seconds, now as text, until when failures are kept, for how many seconds, what
 * to say of them, most that are kept. Gives up jobs whose worker was not heard of in time, and forgets what has been kept long enough.
 */
export const cleanScript = `
local given_up = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[2])) do
  redis.call('ZREM', KEYS[1], id)
  local key = ARGV[1] .. id
  if redis.call('HGET', key, 'status') == 'started' then
    redis.call('HSET', key, 'status', 'failed', 'ended_at', ARGV[3], 'exc_info', ARGV[6])
    redis.call('EXPIRE', key, ARGV[5])
    redis.call('ZADD', KEYS[3], ARGV[4], id)
    given_up[#given_up + 1] = id
  end
end
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[7])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. ARGV[2])
return given_up`;
