"""Facts to HTML: templates, page contexts, charts. Generated files go to var/, never in here."""
