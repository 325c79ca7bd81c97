"""What every model here has in common: one row's change and what is told of it commit together."""

from django.db import connection, models, transaction


class TellingQuerySet(models.QuerySet):
    """A queryset that deletes row by row, so that each is told of; bulk writes have actions of their own."""

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete each row by its own method, all or none."""
        with transaction.atomic():
            rows = [row for row in self.select_for_update(of=("self",)) if row.delete()[0]]
        return len(rows), {self.model._meta.label: len(rows)}


class Telling(models.Model):
    """A row that tells of its changes; a subclass says what is told when it was made, changed or deleted."""

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

    def write(self, *fields: str) -> None:
        """Write some columns and nothing else, so that counters are never overwritten; tells nothing."""
        super().save(update_fields=fields)

    def add_to(self, **steps: int) -> None:
        """Add to counters in one statement, and hold the exact values it returned."""
        columns = [f"{name} = {name} + %s" for name in steps]
        names = ", ".join(steps)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self._meta.db_table} SET {', '.join(columns)} WHERE id = %s RETURNING {names}",
                [*steps.values(), self.pk],
            )
            row = cursor.fetchone()
        if row is None:
            raise self.DoesNotExist(f"{self._meta.verbose_name} {self.pk} is gone.")
        for name, value in zip(steps, row, strict=True):
            setattr(self, name, value)
