"""What every model here has in common: one row's change and what is told of it commit together."""

from django.db import models, transaction


class TellingQuerySet(models.QuerySet):
    """A queryset that deletes row by row, so that each is told of; bulk writes have actions of their own."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete each row by its own method, all or none."""
        with transaction.atomic():
            rows = [row for row in self.select_for_update(of=("self",), no_key=True) if row.delete()[0]]
        return len(rows), {self.model._meta.label: len(rows)}

    # Not on the manager: `objects.delete()` would be everything.
    delete.queryset_only = True


class Telling(models.Model):
    """A row that tells of its changes; a subclass says what is told when it was made, changed or deleted."""

    # What an event tells along with the row.
    told_with: tuple[str, ...] = ()

    class Meta:
        abstract = True

    def save(self, *args, **kwargs) -> None:
        """Insert the row, or write what has changed in it; either is told of in the same transaction."""
        with transaction.atomic():
            if self._state.adding:
                super().save(*args, **kwargs)
                self.was_made()
            else:
                self.change()

    def was_made(self) -> None:
        """Tell that the row is new."""

    def change(self) -> None:
        """Write and tell what has changed; by default rows are made and deleted but never changed."""

    def lock(self, *wanted: str) -> list[str]:
        """Lock the row and hold it as it is now, but for the fields wanted; return those of them that are new."""
        values = {name: getattr(self, name) for name in wanted}
        # Not against those who refer to it: they may hold its counts, and check at their commit that it is there.
        rows = type(self)._default_manager.select_for_update(of=("self",), no_key=True)
        rows = rows.select_related(*self.told_with)
        self.refresh_from_db(from_queryset=rows)
        changed = [name for name, value in values.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, values[name])
        return changed

    def write(self, *fields: str) -> None:
        """Write some columns and nothing else, so that counters are never overwritten; tells nothing."""
        super().save(update_fields=fields)
