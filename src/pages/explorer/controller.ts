// Keeps settings, worker and stage consistent: a change is recomputed in the worker, then shown, then written into the address.

import { WorkerError } from "../../errors.ts";
import { SerialQueue } from "../../serial.ts";
import type { ErwinPage } from "../shared/page.ts";
import { reasonOf } from "../shared/reason.ts";
import { SiteFunctions } from "../shared/site-worker.ts";
import { AddressBar } from "./address-bar.ts";
import { attentionColours, selectedForScripts, selectionColours } from "./highlight.ts";
import type {
  Attention,
  BuiltTree,
  Drawing,
  Graph,
  OpenedCloud,
  OpenedModel,
  Selection,
  Spheres,
  TreeSettings,
} from "./protocol.ts";
import { colouringOf, cutOf, fitting, treeOfModel, treeSettings } from "./requests.ts";
import { defaults, type Settings, writeSettings } from "./settings.ts";
import { type ExplorerStage, sides } from "./sides.ts";
import type { ExplorerWorker } from "./worker.ts";
import workerUrl from "./worker.ts?worker&url";

/** The current contents of the page, for captions and controls. */
export interface Shown {
  settings: Settings;
  cloud: OpenedCloud;
  tree: BuiltTree;
  selection: Selection | undefined;
  /** The model that was opened; otherwise one with initial weights is used. */
  model: OpenedModel | undefined;
  /** The attention in the ball of the selected point, if it is shown. */
  attention: Attention | undefined;
  /** What is known of the field that colours the points. */
  values: Drawing["values"];
  graph: Graph | undefined;
  spheres: Spheres | undefined;
}

interface Listeners {
  onShown(shown: Shown): void;
  onStatus(text: string): void;
  onProblem(message: string | undefined): void;
}

/** What has to be recomputed. */
interface Stale {
  tree: boolean;
  selection: boolean;
  graph: boolean;
  drawing: boolean;
}

const all: Stale = { tree: true, selection: true, graph: true, drawing: true };

export class Controller {
  readonly #worker = new SiteFunctions<ExplorerWorker>(workerUrl, "explorer", () => this.#forget());
  readonly #stage: ExplorerStage;
  readonly #page: ErwinPage;
  readonly #listeners: Listeners;
  #settings: Settings;
  #cloud: OpenedCloud | undefined;
  #tree: BuiltTree | undefined;
  #model: OpenedModel | undefined;
  /** The tree's settings before a model was opened. */
  #ownTree: TreeSettings | undefined;
  #selection: Selection | undefined;
  #attention: Attention | undefined;
  #graph: Graph | undefined;
  /** [points] The place of each point in the drawing. */
  #placeOf = new Int32Array();
  #stale: Stale = { ...all };
  #smoothly = false;
  #updating: Promise<void> | undefined;
  /** What uses the worker's cloud runs one after the other, so that nothing is computed of one cloud and shown of another. */
  readonly #turns = new SerialQueue();
  readonly #addressBar = new AddressBar();
  /** Counts the requests to open a cloud: failures before the last one are not shown. */
  #opening = 0;
  #isOpening = false;
  /** What has been changed since the last of them. */
  #changes: Partial<Settings> = {};

  constructor(stage: ExplorerStage, page: ErwinPage, settings: Settings, listeners: Listeners) {
    this.#stage = stage;
    this.#page = page;
    this.#settings = settings;
    this.#listeners = listeners;
  }

  get settings(): Settings {
    return this.#settings;
  }

  get cloud(): OpenedCloud | undefined {
    return this.#cloud;
  }

  /** Whether another cloud is being opened. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  /** Whether a model is opened, whose tree replaces that of the settings. */
  get hasModel(): boolean {
    return this.#model !== undefined;
  }

  /** The page's address with all settings and the camera. */
  get address(): string {
    const { turn, tilt, distance } = this.#stage.camera.place;
    const camera = {
      turn: Number(turn.toFixed(1)),
      tilt: Number(tilt.toFixed(1)),
      distance: Number(distance.toFixed(2)),
    };
    return `${location.pathname}${writeSettings({ ...this.#settings, ...camera })}`;
  }

  /**
   * @param source a file, or the name of a sample
   * @param settings for the new cloud, but for those that are changed until it is there
   */
  async open(source: File | string, settings: Partial<Settings> = {}): Promise<void> {
    const opening = ++this.#opening;
    this.#isOpening = true;
    this.#changes = {};
    const isSample = typeof source === "string";
    const begin = () => this.#begin(isSample ? "Making the cloud" : `Reading ${source.name}`);
    begin();
    try {
      const isOpen = await this.#turns.run(async () => {
        if (opening !== this.#opening) return false;
        begin();
        this.#take(await this.#worker.call("open", source));
        const itsOwn = { point: settings.point, sample: isSample ? source : "" };
        this.#settings = { ...this.#settings, ...settings, ...this.#changes, ...itsOwn };
        return true;
      });
      if (opening === this.#opening) this.#isOpening = false;
      if (isOpen) await this.#update();
    } catch (error) {
      if (opening !== this.#opening) return;
      this.#isOpening = false;
      this.#fail(error);
    }
  }

  /** Says why something is not opened; what is shown stays. */
  refuse(problem: string): void {
    this.#fail(new Error(problem));
  }

  #take(cloud: OpenedCloud): void {
    this.#cloud = cloud;
    this.#selection = undefined;
    this.#placeOf = new Int32Array(cloud.points);
    cloud.order.forEach((point, place) => {
      this.#placeOf[point] = place;
    });
    this.#stage.setCloud(cloud.positions, cloud.spacing, cloud.dimensionality === 2);
    // A flat cloud is viewed from the front.
    if (cloud.dimensionality === 2) this.#stage.camera.place = { turn: 0, tilt: 0, distance: defaults.distance };
    this.#stale = { ...all };
    this.#smoothly = false;
  }

  /** Shows the attention of a model, in the balls of its own tree. @param file undefined to close the model */
  async openModel(file: File | undefined): Promise<void> {
    this.#begin(file ? `Reading ${file.name}` : "");
    try {
      await this.#turns.run(async () => {
        const model = await this.#worker.call("openModel", file);
        this.#ownTree ??= treeSettings(this.#settings);
        this.#model = model;
        this.#settings = { ...this.#settings, ...(model ? treeOfModel(model) : this.#ownTree), show: "attention" };
        if (!model) this.#ownTree = undefined;
        this.#stale = { ...all };
      });
      await this.#update();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Changes settings for the same cloud. */
  async change(changes: Partial<Settings>): Promise<void> {
    const [before, opening] = [this.#settings, this.#opening];
    this.#settings = { ...before, ...changes };
    this.#changes = { ...this.#changes, ...changes };
    if (!this.#cloud) return;
    const changed = (...names: (keyof Settings)[]) => names.some((name) => this.#settings[name] !== before[name]);
    const tree = changed("ballSize", "stride", "levels", "rotate");
    const graph = changed("graph");
    const attends = this.#settings.show === "attention" && changed("level", "block", "head");
    const selection = tree || graph || attends || changed("point", "blocks", "show");
    const drawing = selection || changed("view", "colour", "level", "halvings", "apart", "merged", "spheres", "up");
    this.#stale = {
      tree: this.#stale.tree || tree,
      graph: this.#stale.graph || graph,
      selection: this.#stale.selection || selection,
      drawing: this.#stale.drawing || drawing,
    };
    this.#smoothly = true;
    this.writeAddress();
    // What was wrong before may be right now.
    this.#listeners.onProblem(undefined);
    try {
      await this.#update();
    } catch (error) {
      if (opening === this.#opening) this.#fail(error);
    }
  }

  /** Selects the point at a place in the drawing's order. */
  async pick(place: number | undefined): Promise<void> {
    await this.change({ point: place === undefined ? undefined : this.#cloud?.order[place] });
  }

  /** Writes the address now, or a little later where it was written just before. */
  writeAddress(): void {
    this.#addressBar.write(() => this.address);
  }

  #begin(text: string): void {
    this.#page.state = "running";
    delete this.#page.error;
    this.#listeners.onProblem(undefined);
    this.#listeners.onStatus(text);
  }

  #fail(error: unknown): void {
    const reason = reasonOf(error);
    const message = error instanceof WorkerError ? `${reason}. Open the cloud again.` : reason;
    this.#page.state = "failed";
    this.#page.error = message;
    this.#listeners.onStatus("");
    this.#listeners.onProblem(message);
  }

  /** The cloud and the model are gone with the worker that has failed. */
  #forget(): void {
    this.#cloud = undefined;
    this.#tree = undefined;
    this.#model = undefined;
    this.#ownTree = undefined;
  }

  /** Runs one update at a time; the current one also handles what is requested meanwhile. */
  #update(): Promise<void> {
    this.#updating ??= this.#turns
      .run(() => this.#bringUpToDate())
      .finally(() => {
        this.#updating = undefined;
      });
    return this.#updating;
  }

  get #isStale(): boolean {
    return Object.values(this.#stale).some(Boolean);
  }

  async #bringUpToDate(): Promise<void> {
    if (!this.#cloud) return;
    while (this.#isStale) {
      const stale = this.#stale;
      this.#stale = { tree: false, selection: false, graph: false, drawing: false };
      try {
        await this.#bringPartsUpToDate(stale);
      } catch (error) {
        // The settings have changed meanwhile, so the next update may succeed, unless the worker has failed.
        if (!this.#isStale || !this.#cloud) throw error;
      }
    }
    this.#page.state = "done";
    this.#listeners.onStatus("");
  }

  async #bringPartsUpToDate(stale: Stale): Promise<void> {
    this.#page.state = "running";
    const cloud = this.#cloud as OpenedCloud;
    if (stale.tree || !this.#tree) {
      this.#listeners.onStatus("Building the tree");
      this.#tree = await this.#worker.call("build", treeSettings(this.#settings));
    }
    this.#settings = fitting(this.#settings, cloud, this.#tree, this.#model);
    const { settings } = this;
    if (stale.graph) {
      this.#graph = settings.graph === "none" ? undefined : await this.#worker.call("graph", settings.graph);
      this.#stage.showLines(this.#graph?.lines);
    }
    if (stale.selection) await this.#select();
    this.#stage.setUp(settings.up);
    const shownSides = settings.view === "both" ? sides : [settings.view];
    this.#stage.setSides(shownSides);
    let values: Drawing["values"];
    let spheres: Spheres | undefined;
    for (const side of shownSides) {
      const rotated = side === "rotated";
      const drawing = await this.#worker.call("draw", {
        colouring: colouringOf(settings),
        rotated,
        apart: settings.apart ? 0.6 : 0,
        merged: settings.merged ? settings.level : 0,
      });
      values = drawing.values;
      spheres = settings.spheres ? await this.#worker.call("spheres", cutOf(settings), rotated) : undefined;
      this.#stage.show(side, this.#highlighted(drawing, rotated), this.#smoothly);
      this.#stage.showSpheres(side, spheres?.spheres, spheres?.colours);
    }
    this.#stage.mark(settings.point === undefined ? undefined : this.#placeOf[settings.point]);
    this.#smoothly = true;
    const [model, selection, attention, graph] = [this.#model, this.#selection, this.#attention, this.#graph];
    this.#listeners.onShown({ settings, cloud, tree: this.#tree, model, selection, attention, values, graph, spheres });
  }

  async #select(): Promise<void> {
    const { point, blocks, graph } = this.#settings;
    const reach = { blocks, graph: graph === "none" ? undefined : graph };
    this.#selection = point === undefined ? undefined : await this.#worker.call("select", point, reach);
    this.#attention = undefined;
    if (point !== undefined && this.#settings.show === "attention") {
      this.#listeners.onStatus("Computing attention");
      const { level, block, head } = this.#settings;
      this.#attention = await this.#worker.call("attention", { point, level, block, head, blocks });
    }
    if (this.#selection) this.#page.selected = selectedForScripts(this.#selection);
    else delete this.#page.selected;
  }

  #highlighted(drawing: Drawing, rotated: boolean): Drawing {
    if (!this.#selection || !this.#cloud) return drawing;
    if (this.#attention) return { ...drawing, colours: attentionColours(this.#attention, this.#cloud.order) };
    const { reachedAt, reachedWithRotationAt } = this.#selection;
    const reached = rotated ? reachedWithRotationAt : reachedAt;
    return { ...drawing, colours: selectionColours(reached, this.#settings.level, this.#cloud.order) };
  }
}
