// The explorer: connects stage, controls, files and tour.

import "../shared/choice.css";
import "./explorer.css";
import { byId } from "../shared/dom.ts";
import { sentence } from "../shared/format.ts";
import { type ErwinPage, onTheme, startPage } from "../shared/page.ts";
import { NO_PICTURE, Stage } from "../shared/stage/stage.ts";
import { Controller, type Shown } from "./controller.ts";
import { connectFiles } from "./files.ts";
import { connectExplorerKeys } from "./keys.ts";
import { connectControls, showSample, showSettings } from "./panel.ts";
import { connectPictures } from "./picture.ts";
import { defaults, readSettings } from "./settings.ts";
import { type ExplorerStage, sides } from "./sides.ts";
import { showTexts } from "./texts.ts";
import { Tour } from "./tour.ts";
import { connectTurning } from "./turning.ts";

const page = await startPage();
start(new Stage(byId<HTMLCanvasElement>("stage"), sides), page);

function start(stage: ExplorerStage, page: ErwinPage): void {
  const settings = readSettings(location.search);
  let shown: Shown | undefined;
  const controller = new Controller(stage, page, settings, {
    onShown(now) {
      shown = now;
      showSettings(now);
      showTexts(now, stage.panels);
    },
    onStatus: (text) => {
      byId("status").textContent = text;
    },
    onProblem(message) {
      showProblem(message);
      if (message !== undefined) showSample(controller.cloud && controller.settings.sample);
    },
  });
  page.frames = 0;
  stage.onFrame = () => {
    page.frames = (page.frames ?? 0) + 1;
  };
  stage.onPick = (place) => void controller.pick(place);
  stage.onRest = () => controller.writeAddress();
  stage.camera.home = defaults;
  stage.camera.place = settings;
  onTheme(() => stage.setColours(colours()));
  new ResizeObserver(() => {
    if (shown) showTexts(shown, stage.panels);
  }).observe(byId("stage"));
  stage.onDraws = () => {
    const instead = `${sentence(NO_PICTURE)} Select a point by its number to see what it gets to see.`;
    byId("no-picture").textContent = stage.draws ? "" : instead;
  };
  stage.onDraws();
  connectControls(controller);
  connectExplorerKeys(byId<HTMLCanvasElement>("stage"), controller);
  connectFiles(controller);
  connectPictures(stage, controller, () => shown, colours);
  connectTurning(stage);
  new Tour(controller, stage);
  showSample(settings.sample);
  // All other settings are the controller's already; what is changed until the cloud is there stays.
  if (settings.sample) void controller.open(settings.sample, { point: settings.point });
  else byId("status").textContent = "Open a file, or pick a sample";
}

function showProblem(message: string | undefined): void {
  byId("problem").textContent = message ?? "";
  byId("problem").hidden = message === undefined;
}

/** Returns the stage's colours in the current theme. */
function colours(): { ground: string; ink: string } {
  const ground = getComputedStyle(byId("drop-zone")).backgroundColor;
  return { ground, ink: getComputedStyle(document.body).color };
}
