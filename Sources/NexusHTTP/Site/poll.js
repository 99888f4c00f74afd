/**
 * Calls `work` now and then again `period` milliseconds after it ended, while the tab is visible.
 *
 * `work` handles its own errors. Returns a function that calls it without waiting for the period.
 */
export function poll(period, work) {
  let timer = 0;
  let isWorking = false;
  let isWanted = false;

  async function run() {
    clearTimeout(timer);
    if (isWorking) {
      isWanted = true;
      return;
    }
    isWorking = true;
    do {
      isWanted = false;
      await work();
    } while (isWanted);
    isWorking = false;
    if (!document.hidden) timer = setTimeout(run, period);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else run();
  });
  run();
  return run;
}
