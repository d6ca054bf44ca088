// Graphile Worker: 10 jobs at a time, local queue of 500, batched completion; it deletes what is done.
// node on_graphile.mjs fill URL FOLDER COUNT | work URL FOLDER, with the same file of counts as side.py makes.
import { createRequire } from "node:module";
import fs from "node:fs";

const require = createRequire(process.env.BENCH_NODE_MODULES + "/");
const { run, makeWorkerUtils, Logger } = require("graphile-worker");

const [verb, connectionString, folder, count] = process.argv.slice(2);
const logger = new Logger(() => (level, message) => level === "error" && console.error(message));

async function fill(total) {
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  for (let first = 0; first < total; first += 1000) {
    const jobs = [];
    for (let i = first; i < Math.min(first + 1000, total); i++) jobs.push({ identifier: "add", payload: { a: i, b: i } });
    await utils.addJobs(jobs);
  }
  await utils.release();
}

async function work() {
  let ran = 0n;
  let written = 0n;
  const buffer = Buffer.alloc(16);
  const file = fs.openSync(`${folder}/ran-${process.pid}`, "w");
  setInterval(() => {
    if (ran === written) return;
    written = ran;
    buffer.writeBigUInt64LE(ran, 0);
    fs.writeSync(file, buffer, 0, 16, 0);
  }, 10);
  const add = async () => {
    if (ran++ === 0n) buffer.writeBigUInt64LE(process.hrtime.bigint(), 8);
  };
  const worker = { concurrentJobs: 10, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const runner = await run({ connectionString, logger, taskList: { add }, noHandleSignals: true, preset: { worker } });
  await runner.promise;
}

await (verb === "fill" ? fill(Number(count)) : work());
