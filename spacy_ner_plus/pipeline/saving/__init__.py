"""How components are saved and loaded, those of earlier formats too."""
