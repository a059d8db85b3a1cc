# Makes the files beside it, and expected.json, which has what Gemmi reads from them: `python3 make.py`, with RDKit 2022.09, Open Babel
# 3.1.1, ASE 3.22.1 and Gemmi 0.5.7 (Debian 12's). rdkit.pdb has three models of two chains, ase.pdb two models without names of
# residues, and obabel.pdb is of a salt.
import json
import subprocess
from pathlib import Path

import ase.build
import ase.io
import gemmi
from rdkit import Chem
from rdkit.Chem import AllChem

folder = Path(__file__).parent

molecule = Chem.AddHs(Chem.MolFromSequence("GC.DK"), addResidueInfo=True)
AllChem.EmbedMultipleConfs(molecule, 3, randomSeed=7)
for atom in molecule.GetAtoms():
    info = atom.GetPDBResidueInfo()
    info.SetTempFactor(atom.GetIdx() + 0.25)
    info.SetOccupancy(1 - atom.GetIdx() / 100)
(folder / "rdkit.pdb").write_text(Chem.MolToPDBBlock(molecule))

water = ase.build.molecule("H2O")
frames = [water.copy() for _ in range(2)]
frames[1].translate([0, -1.5, 100.25])
ase.io.write(folder / "ase.pdb", frames, format="proteindatabank")

subprocess.run(["obabel", "-:[Mg+2].[O-]C(=O)CC(Cl)Br", "--gen2d", "-O", folder / "obabel.pdb"], check=True, capture_output=True)

amino = "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split()
expected = {}
for path in sorted(folder.glob("*.pdb")):
    expected[path.name] = []
    for model in gemmi.read_structure(str(path)):
        sites = sorted(model.all(), key=lambda site: site.atom.serial)
        chains = [chain.name for chain in model]
        names = [site.residue.name for site in sites]
        expected[path.name].append(
            {
                "positions": [value for site in sites for value in site.atom.pos.tolist()],
                "element": [site.atom.element.atomic_number for site in sites],
                "residue": [site.residue.seqid.num for site in sites],
                "residue_type": [amino.index(name) if name in amino else 20 for name in names],
                "chain": [chains.index(site.chain.name) for site in sites],
                "hetero": [int(site.residue.het_flag == "H") for site in sites],
                "occupancy": [site.atom.occ for site in sites],
                "b_factor": [site.atom.b_iso for site in sites],
                "charge": [site.atom.charge for site in sites],
            }
        )
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
