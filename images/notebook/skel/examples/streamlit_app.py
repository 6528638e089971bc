"""A sample dashboard. Edit and save it: the page follows."""

import math

import streamlit as st

st.title("It works")
st.write("This is `examples/streamlit_app.py` in your home folder.")
frequency = st.slider("Frequency", 1, 10, 3)
st.line_chart([math.sin(frequency * x / 50) for x in range(300)])
