"""Keep the engine's state in SQLite. One connection, one writer, used from one thread."""

from __future__ import annotations

from inngest.dev._internal.model.values import Transition
from inngest.dev._internal.store.functions import StoredFunctions
from inngest.dev._internal.store.gates import StoredGates
from inngest.dev._internal.store.items import StoredItems
from inngest.dev._internal.store.runs import StoredRuns


class Store(StoredFunctions, StoredRuns, StoredItems, StoredGates):
    def apply(self, change: Transition) -> None:
        """Apply a change, except its events, which the ledger handles."""
        for job_id in change.drops:
            self.drop_item(job_id)
        for run in change.runs:
            self.save_run(run)
        for item in change.items:
            self.save_item(item)
        for gate in change.gates:
            self.save_gate(gate)
        for each in change.collected:
            self.save_collected(each)
