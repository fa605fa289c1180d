"""The hub: releases of all stores in, patterns and reports out."""
