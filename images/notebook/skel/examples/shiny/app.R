# A sample Shiny app. Edit it and reload the page.
library(shiny)

ui <- fluidPage(
  titlePanel("It works"),
  p("This is examples/shiny/app.R in your home folder."),
  sliderInput("n", "Points", 10, 500, 100),
  plotOutput("plot")
)

server <- function(input, output) {
  output$plot <- renderPlot(plot(cumsum(rnorm(input$n)), type = "l", xlab = "", ylab = ""))
}

shinyApp(ui, server)
